// GuestAgeing: guests of this node stand back behind younger programs, as far as its strategy has
// it for their age (policies/ageing.h). Their supervisors say how far they have been told to, so
// nothing is remembered here but whom to wait for: one that does not answer is not asked again.
#pragma once

#include <cstdint>
#include <functional>
#include <set>

#include "supervisor/agent/event_log.h"
#include "supervisor/agent/processes.h"

namespace llrun::agent {

class GuestAgeing {
 public:
  GuestAgeing(EventLog& log, Processes& processes) : log_(log), processes_(processes) {}

  // Once an exchange. `nice_of`: the strategy's answer for a CPU age in seconds.
  void look(const std::function<int(double cpu_age_s)>& nice_of);

 private:
  EventLog& log_;
  Processes& processes_;
  std::set<std::uint32_t> asked_;  // supervisors that have not answered yet
};

}  // namespace llrun::agent
