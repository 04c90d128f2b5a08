// Switches: what `llrunctl level`, `block`, `accept` and `drain` set, and nobody else.
//
// They outlive the agent, not the machine: a restarted agent must not let in what was shut out.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "supervisor/config/config.h"

namespace llrun::agent {

struct Switches {
  bool levelling = true;
  bool accepts = true;
  bool draining = false;  // guests are asked to leave; none is let in meanwhile
  friend bool operator==(const Switches&, const Switches&) = default;
};

class KeptSwitches {
 public:
  // Where they are kept: the same in each of these files, any of which may be removed.
  using Files = std::function<std::vector<std::string>()>;
  // As the configuration has them, but for what the first of the files that is there remembers.
  KeptSwitches(const config::Config& config, Files files);

  [[nodiscard]] const Switches& now() const { return now_; }
  void set(const Switches& switches);
  void keep() const;  // again, where a file may have gone, or another place has come
  // Not remembered: the agent is about to end.
  void drain_until_the_end() { now_.draining = true; }

 private:
  Files files_;
  Switches configured_;
  Switches kept_;
  Switches now_;
};

}  // namespace llrun::agent
