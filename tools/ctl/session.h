// Session: one run of llrunctl: the agent it speaks to and the manner in which it prints.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>

#include "base/result.h"
#include "supervisor/control/client.h"

namespace llrun::ctl {

// Of the process; equal to protocol.Answer.Status.
enum ExitStatus { kDone = 0, kRefused = 1, kUsage = 2, kNoSuchProcess = 3, kUnreachable = 4 };

// A line of JSON is one object; readers look at "schema" before anything else.
inline constexpr int kSchema = 1;

class Session {
 public:
  using OnRow = control::ControlClient::OnRow;

  std::string node;  // of the agent
  bool json = false;
  std::set<std::string> flags;  // "all", "watch", "follow"
  std::size_t lines = 20;       // of the log

  // Asks the agent, starting it if `start`; prints the answer's text (its JSON with --json) when it
  // is done, on stderr when it is refused. The exit status.
  [[nodiscard]] int ask(const protocol::ControlMessage& question, const OnRow& on_row = {},
                        bool start = true);
  // What was refused, in words, on stderr; as JSON on stdout too.
  int fail(ExitStatus status, const std::string& words) const;

 private:
  [[nodiscard]] Result<> connect(bool start);
  void print(const protocol::Answer& answer) const;

  std::optional<control::ControlClient> client_;
};

}  // namespace llrun::ctl
