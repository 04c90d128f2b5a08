// GuestLimits: what the owner of this node allows guests, at the door and while they run.
//
// At the door a newcomer is reckoned with what it has at home; what was promised counts until it
// has shown itself. While guests run they are looked at: when they use more than they may, or the
// node itself runs short of memory, the one whose leaving helps is sent home.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "supervisor/agent/event_log.h"
#include "supervisor/agent/processes.h"
#include "supervisor/config/config.h"
#include "supervisor/protocol/hello.pb.h"

namespace llrun::agent {

class GuestLimits {
 public:
  using Clock = MonotonicClock;
  static constexpr std::chrono::seconds kBetween{5};  // one leaves, and then it is looked again

  // `cpu_is_limited`: a control group does that.
  GuestLimits(const config::Config& config, EventLog& log, Processes& processes,
              bool cpu_is_limited)
      : config_(config), log_(log), processes_(processes), cpu_is_limited_(cpu_is_limited) {}

  // Empty: welcome, as far as the owner's numbers go.
  [[nodiscard]] std::string why_not(const protocol::Hello& newcomer) const;
  void let_in(std::uint32_t supervisor, const protocol::Hello& newcomer);
  void gone(std::uint32_t supervisor) { guests_.erase(supervisor); }
  // Let in, and not yet in the run queue that this node tells others.
  [[nodiscard]] std::uint32_t incoming() const;

  // Once an exchange. `missing_memory`: bytes that the node itself is short of.
  void look(double missing_memory);

 private:
  struct Guest {
    std::uint64_t promised_bytes = 0;
    double promised_cores = 0;
    bool registered = false;
    std::uint64_t bytes = 0;
    std::uint64_t threads = 1;  // promised, then as told
    double cores = 0;           // in use, over the last seconds
    std::uint64_t cpu_ms = 0;
    Clock::time_point measured_at{}, running_since{};
    [[nodiscard]] bool arriving(Clock::time_point now) const;
  };
  struct Use {
    double bytes = 0, cores = 0;
    std::uint64_t threads = 0;
  };
  [[nodiscard]] Use use() const;
  void measure();
  bool send_away(const std::vector<double>& burdens, double excess, const std::string& reason);

  const config::Config& config_;
  EventLog& log_;
  Processes& processes_;
  bool cpu_is_limited_;
  std::map<std::uint32_t, Guest> guests_;  // by their supervisor's process id
  Clock::time_point sent_at_{};
};

}  // namespace llrun::agent
