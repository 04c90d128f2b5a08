#include "supervisor/agent/drain.h"

#include <fmt/format.h>

#include <utility>

namespace llrun::agent {

Drain::Drain(EventLoop& loop, EventLog& log, Processes& processes)
    : loop_(loop), log_(log), processes_(processes) {}

Drain::~Drain() { loop_.cancel(timer_); }

void Drain::begin(const std::string& reason, std::chrono::milliseconds limit, Done done) {
  reason_ = reason;
  waiters_.push_back({Clock::now() + limit, std::move(done)});
  if (timer_ == 0) timer_ = loop_.every(std::chrono::milliseconds(250), [this] { step(); });
  // From the loop: what waits must not be told before this returns.
  loop_.post([this] {
    if (timer_ != 0) step();
  });
}

void Drain::end() {
  loop_.cancel(std::exchange(timer_, 0));
  asked_.clear();
  tell_waiters(true);
}

std::vector<const Supervised*> Drain::guests() const {
  std::vector<const Supervised*> found;
  for (const auto* process : processes_.all())
    if (process->report.role() == protocol::ProcessReport::ROLE_GUEST) found.push_back(process);
  return found;
}

void Drain::step() {
  for (const auto* guest : guests()) {
    auto& asked = asked_[guest->report.job()];
    if (asked != Clock::time_point{} && Clock::now() - asked < kAskAgain) continue;
    asked = Clock::now();
    ask(*guest);
  }
  tell_waiters(false);
}

void Drain::ask(const Supervised& guest) {
  protocol::ControlMessage message;
  message.mutable_come_home()->set_pid(guest.report.pid());
  message.mutable_come_home()->set_reason(reason_);
  processes_.ask(guest, message, [this, who = who_is(guest.report)](const auto& answer) {
    if (answer.has_answer() && answer.answer().status() == protocol::Answer::STATUS_REFUSED)
      log_.add(fmt::format("{} does not leave yet: {}", who, answer.answer().text()));
  });
}

void Drain::tell_waiters(bool all) {
  std::vector<std::string> left;
  for (const auto* guest : guests())
    left.push_back(fmt::format("{} ({} of {})", guest->report.program(), guest->report.pid(),
                               guest->report.home()));
  const auto now = Clock::now();
  std::vector<Waiter> told;
  std::erase_if(waiters_, [&](Waiter& waiter) {
    if (!all && !left.empty() && now < waiter.until) return false;
    told.push_back(std::move(waiter));
    return true;
  });
  for (const auto& waiter : told) waiter.done(left);
}

}  // namespace llrun::agent
