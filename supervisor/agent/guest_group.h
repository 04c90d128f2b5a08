// GuestGroup: a control group for all guests of this node, where the site lets its users have one.
//
// Version 2 where the agent's own group was delegated to the user (systemd: Delegate=yes), version
// 1 where its directory belongs to him. Elsewhere there is none, and limits are kept by looking.
#pragma once

#include <string>
#include <vector>

#include "supervisor/config/config.h"

namespace llrun::agent {

class GuestGroup {
 public:
  // Where control groups are. Tests name their own.
  struct Places {
    std::string cpu_v1, version2;  // directory of the agent's own group; empty: there is none
    static Places of_this_process();
  };
  GuestGroup(const Places& places, const std::string& node, const config::GuestLimits& limits);
  ~GuestGroup();  // removes what is empty
  GuestGroup(const GuestGroup&) = delete;
  GuestGroup& operator=(const GuestGroup&) = delete;

  [[nodiscard]] bool limits_cpu() const { return limits_cpu_; }
  [[nodiscard]] bool slows_at_memory() const { return slows_at_memory_; }
  [[nodiscard]] const std::vector<std::string>& procs_files() const { return procs_files_; }

  // The name of the group's directory, below the agent's own.
  [[nodiscard]] static std::string name_for(const std::string& node) {
    return "llrun-guests-" + node;
  }

 private:
  void make_version_1(const std::string& own, const std::string& node,
                      const config::GuestLimits& limits);
  void make_version_2(const std::string& own, const std::string& node,
                      const config::GuestLimits& limits);

  bool limits_cpu_ = false;
  bool slows_at_memory_ = false;
  std::vector<std::string> directories_, procs_files_;
};

}  // namespace llrun::agent
