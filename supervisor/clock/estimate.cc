#include "supervisor/clock/estimate.h"

#include <algorithm>

namespace llrun {
namespace {

// Half of it each, since the sum of two such differences might not fit.
std::int64_t between(std::int64_t asked, std::int64_t received, std::int64_t answered,
                     std::int64_t heard) {
  return (received - asked) / 2 + (answered - heard) / 2;
}

// Other nodes may say anything: the differences of these fit.
bool is_sane(const ClockReading& reading) {
  constexpr std::int64_t kMost = INT64_MAX / 2;
  return std::max({reading.monotonic_ns, reading.boottime_ns, reading.realtime_ns}) < kMost &&
         std::min({reading.monotonic_ns, reading.boottime_ns, reading.realtime_ns}) >= 0;
}

// On the clock that goes on while a node sleeps: an exchange over a sleep says nothing, and shows
// it.
std::optional<std::int64_t> delay_of(const ClockExchange& exchange) {
  if (!is_sane(exchange.received) || !is_sane(exchange.answered)) return std::nullopt;
  const auto there = exchange.answered.boottime_ns - exchange.received.boottime_ns;
  const auto here = exchange.heard.boottime_ns - exchange.asked.boottime_ns;
  if (there < 0 || here < there) return std::nullopt;
  return here - there;
}

// The clocks of a node are read one after the other, so the exchange takes a little longer on one
// than on another. The time of day is left out: it may be set meanwhile.
std::int64_t longest_delay(const ClockExchange& exchange, std::int64_t delay) {
  const auto& [asked, received, answered, heard] = exchange;
  const auto there = answered.monotonic_ns - received.monotonic_ns;
  return std::max(delay, heard.monotonic_ns - asked.monotonic_ns - there);
}

}  // namespace

void ClockFilter::add(const ClockExchange& exchange) {
  const auto delay = delay_of(exchange);
  if (!delay) return;
  const auto& [asked, received, answered, heard] = exchange;
  kept_.push_back(
      {between(asked.monotonic_ns, received.monotonic_ns, answered.monotonic_ns,
               heard.monotonic_ns),
       between(asked.boottime_ns, received.boottime_ns, answered.boottime_ns, heard.boottime_ns),
       between(asked.realtime_ns, received.realtime_ns, answered.realtime_ns, heard.realtime_ns),
       longest_delay(exchange, *delay) / 2 + 1});
  if (kept_.size() > kKept) kept_.pop_front();
}

// Of equals the newest.
std::optional<ClockEstimate> ClockFilter::estimate() const {
  if (kept_.empty()) return std::nullopt;
  return *std::min_element(kept_.rbegin(), kept_.rend(), [](const auto& one, const auto& other) {
    return one.error_ns < other.error_ns;
  });
}

std::chrono::nanoseconds until_shown(const ClockReading& wanted, const ClockReading& now) {
  const auto left = std::max(std::max<std::int64_t>(wanted.monotonic_ns, 0) - now.monotonic_ns,
                             std::max<std::int64_t>(wanted.boottime_ns, 0) - now.boottime_ns);
  return std::chrono::nanoseconds(std::max<std::int64_t>(left, 0));
}

std::uint64_t ClockQuestions::ask(const ClockReading& now) {
  open_.emplace_back(++asked_, now);
  if (open_.size() > kOpen) open_.pop_front();
  return asked_;
}

std::optional<std::int64_t> ClockQuestions::heard(std::uint64_t number,
                                                  const ClockReading& received,
                                                  const ClockReading& answered,
                                                  const ClockReading& now) {
  const auto question = std::ranges::find(open_, number, [](const auto& one) { return one.first; });
  if (question == open_.end()) return std::nullopt;
  const ClockExchange exchange{question->second, received, answered, now};
  open_.erase(question);
  filter_.add(exchange);
  return delay_of(exchange);
}

}  // namespace llrun
