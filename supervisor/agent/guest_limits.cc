#include "supervisor/agent/guest_limits.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "policies/strategy/relief.h"
#include "supervisor/migration/machine.h"

namespace llrun::agent {
namespace {

using protocol::ProcessReport;

constexpr double kMiB = 1 << 20;
// A burst is not a breach, and a measure over a second is not exact.
constexpr double kTolerance = 1.2;
constexpr double kOfNewRate = 0.3;
// From its first instruction until it is in the run queue that was measured and told.
constexpr std::chrono::milliseconds kSeenAfter{1500};

bool runs(const ProcessReport& report) {
  return report.state() == migration::name(migration::GuestState::kRunning) ||
         report.state() == migration::name(migration::GuestState::kSettled);
}

}  // namespace

bool GuestLimits::Guest::arriving(Clock::time_point now) const {
  return running_since == Clock::time_point{} || now - running_since < kSeenAfter;
}

std::string GuestLimits::why_not(const protocol::Hello& newcomer) const {
  const auto& limits = config_.guests;
  const auto& name = config_.name;
  if (limits.max > 0 && guests_.size() >= static_cast<std::size_t>(limits.max))
    return fmt::format("node {} has {} guests and takes no more (guests.max)", name,
                       guests_.size());
  const Use used = use();
  const auto allowed = limits.memory.value_or(0) * kMiB;
  if (allowed > 0 && used.bytes + static_cast<double>(newcomer.memory_bytes()) > allowed)
    return fmt::format(
        "node {} gives guests {} at most (guests.memory), {} are in use, the program needs {}",
        name, human_bytes(static_cast<std::uint64_t>(allowed)),
        human_bytes(static_cast<std::uint64_t>(used.bytes)), human_bytes(newcomer.memory_bytes()));
  const std::uint64_t threads = std::max(1U, newcomer.threads());
  if (limits.processes > 0 && used.threads + threads > static_cast<std::uint64_t>(limits.processes))
    return fmt::format(
        "node {} gives guests {} processes and threads (guests.processes), {} are in use, the "
        "program has {}",
        name, limits.processes, used.threads, threads);
  const double wanted = newcomer.offer().cpu_rate();
  if (limits.cpu > 0 && !cpu_is_limited_ && used.cores + wanted > limits.cpu * kTolerance)
    return fmt::format(
        "node {} gives guests {:.2f} cores (guests.cpu), {:.2f} are in use, the program needs "
        "{:.2f}",
        name, limits.cpu, used.cores, wanted);
  return "";
}

void GuestLimits::let_in(std::uint32_t supervisor, const protocol::Hello& newcomer) {
  guests_[supervisor] = {};
  guests_[supervisor].promised_bytes = newcomer.memory_bytes();
  guests_[supervisor].promised_cores = newcomer.offer().cpu_rate();
  guests_[supervisor].threads = std::max(1U, newcomer.threads());
}

std::uint32_t GuestLimits::incoming() const {
  const auto now = Clock::now();
  return static_cast<std::uint32_t>(std::ranges::count_if(
      guests_, [now](const auto& entry) { return entry.second.arriving(now); }));
}

GuestLimits::Use GuestLimits::use() const {
  const auto now = Clock::now();
  Use sum;
  for (const auto& [supervisor, guest] : guests_) {
    const bool arriving = guest.arriving(now);
    sum.bytes += static_cast<double>(
        std::max(guest.bytes, arriving ? guest.promised_bytes : std::uint64_t{0}));
    sum.cores += arriving ? guest.promised_cores : guest.cores;
    sum.threads += guest.threads;
  }
  return sum;
}

// A supervisor that this agent did not start, since it is younger, registers like any other.
void GuestLimits::measure() {
  const auto now = Clock::now();
  std::erase_if(guests_, [this](const auto& entry) {
    return entry.second.registered && !processes_.registered(entry.first);
  });
  for (const auto* process : processes_.all()) {
    const auto& report = process->report;
    if (report.role() != ProcessReport::ROLE_GUEST) continue;
    auto& guest = guests_[report.supervisor_pid()];
    guest.registered = true;
    guest.bytes = report.resident_bytes();
    if (report.threads() > 0) guest.threads = report.threads();
    if (runs(report) && guest.running_since == Clock::time_point{}) guest.running_since = now;
    if (guest.measured_at != Clock::time_point{} && report.cpu_ms() > guest.cpu_ms) {
      const std::chrono::duration<double> passed = now - guest.measured_at;
      const double cores =
          static_cast<double>(report.cpu_ms() - guest.cpu_ms) / 1e3 / std::max(passed.count(), 0.1);
      guest.cores += kOfNewRate * (cores - guest.cores);
    } else if (guest.measured_at != Clock::time_point{}) {
      guest.cores *= 1 - kOfNewRate;
    }
    guest.cpu_ms = report.cpu_ms();
    guest.measured_at = now;
  }
}

void GuestLimits::look(double missing_memory) {
  measure();
  if (Clock::now() - sent_at_ < kBetween) return;
  std::vector<double> bytes, cores;
  for (const auto& [supervisor, guest] : guests_) {
    bytes.push_back(static_cast<double>(guest.bytes));
    cores.push_back(guest.cores);
  }
  const auto sum = [](const std::vector<double>& values) {
    double total = 0;
    for (const double value : values) total += value;
    return total;
  };
  const auto& limits = config_.guests;
  const double memory = limits.memory.value_or(0);
  if (memory > 0 && send_away(bytes, sum(bytes) - memory * kMiB,
                              fmt::format("node {} gives guests {:.0f} MiB at most (guests.memory)",
                                          config_.name, memory)))
    return;
  if (limits.cpu > 0 && !cpu_is_limited_ &&
      send_away(cores, sum(cores) - limits.cpu * kTolerance,
                fmt::format("node {} gives guests {:.2f} cores at most (guests.cpu)", config_.name,
                            limits.cpu)))
    return;
  (void)send_away(bytes, missing_memory, fmt::format("node {} is short of memory", config_.name));
}

bool GuestLimits::send_away(const std::vector<double>& burdens, double excess,
                            const std::string& reason) {
  if (excess <= 0) return false;
  const auto chosen = policies::whose_leaving_helps(burdens, excess);
  if (!chosen) return false;
  const auto supervisor = std::next(guests_.begin(), static_cast<std::ptrdiff_t>(*chosen))->first;
  for (const auto* process : processes_.all()) {
    const auto& report = process->report;
    if (report.role() != ProcessReport::ROLE_GUEST || report.supervisor_pid() != supervisor ||
        !runs(report))
      continue;
    sent_at_ = Clock::now();
    log_.add(fmt::format("{} ({}) is sent home: {}", report.program(), who_is(report), reason));
    protocol::ControlMessage message;
    message.mutable_come_home()->set_pid(report.pid());
    message.mutable_come_home()->set_reason(reason);
    processes_.ask(*process, message, [this, who = who_is(report)](const auto& answer) {
      if (answer.has_answer() && answer.answer().status() != protocol::Answer::STATUS_DONE)
        log_.add(fmt::format("{} does not leave: {}", who, answer.answer().text()));
    });
    return true;
  }
  return false;
}

}  // namespace llrun::agent
