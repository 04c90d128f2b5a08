#include "supervisor/agent/bedtime.h"

#include <fmt/format.h>

#include <utility>

namespace llrun::agent {
namespace {

constexpr std::chrono::milliseconds kLook{100};

// Of what logind waits for us: it goes on by itself when that is over.
std::chrono::milliseconds time_for_it(std::chrono::microseconds delay) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(delay * 9 / 10);
}

bool is_guest(const Supervised& process) {
  return process.report.role() == protocol::ProcessReport::ROLE_GUEST;
}

}  // namespace

Bedtime::Bedtime(Surroundings around) : around_(std::move(around)) { connect(); }

Bedtime::~Bedtime() {
  around_.loop.cancel(timer_);
  around_.loop.cancel(retry_);
}

// No bus is no fault: most containers and many clusters have none.
void Bedtime::connect() {
  Logind::Handlers handlers;
  handlers.sleeps = [this] { begin(fmt::format("node {} is about to sleep", around_.node), true); };
  handlers.ends = [this] { begin(fmt::format("node {} shuts down", around_.node), false); };
  handlers.wakes = [this] { wake(); };
  handlers.lost = [this](const Error& error) {
    around_.log.add("the node's sleep is not heard of for a minute: " + error.message());
    retry_ = around_.loop.after(kTryAgain, [this] { connect(); });
  };
  auto reached = Logind::connect(around_.loop, std::move(handlers));
  if (reached) logind_ = std::move(*reached);
}

void Bedtime::begin(const std::string& why, bool own_too) {
  around_.log.add(why + (own_too ? ": guests go home, and programs that are away come home"
                                 : ": guests go home"));
  why_ = why;
  own_too_ = own_too;
  asked_.clear();
  until_ = Clock::now() + time_for_it(logind_->delay());
  around_.changed();
  around_.drain.begin(why, time_for_it(logind_->delay()), [](const std::vector<std::string>&) {});
  if (timer_ == 0) timer_ = around_.loop.every(kLook, [this] { look(); });
}

std::vector<const Supervised*> Bedtime::away() const {
  std::vector<const Supervised*> found;
  for (const auto* process : around_.processes.all())
    if (!is_guest(*process) && !process->report.where().empty()) found.push_back(process);
  return found;
}

void Bedtime::bring_home() {
  for (const auto* process : away()) {
    const auto& report = process->report;
    if (!asked_.insert(report.pid()).second) continue;
    protocol::ControlMessage message;
    message.mutable_come_home()->set_pid(report.pid());
    message.mutable_come_home()->set_reason(why_);
    around_.processes.ask(*process, message, [this, who = who_is(report)](const auto& answer) {
      if (answer.has_answer() && answer.answer().status() != protocol::Answer::STATUS_DONE)
        around_.log.add(fmt::format("{} does not come home: {}", who, answer.answer().text()));
    });
  }
}

bool Bedtime::all_done() const {
  return around_.processes.guests() == 0 && (!own_too_ || away().empty());
}

void Bedtime::look() {
  if (own_too_) bring_home();
  const bool done = all_done();
  if (!done && Clock::now() < until_) return;
  around_.loop.cancel(std::exchange(timer_, 0));
  around_.log.add(done ? why_ + ", and may: nobody is where he would be missed"
                       : fmt::format("{}: {} guests are still here, and {} programs away", why_,
                                     around_.processes.guests(), away().size()));
  if (logind_) logind_->let_it();
}

void Bedtime::wake() {
  around_.loop.cancel(std::exchange(timer_, 0));
  around_.log.add(fmt::format("node {} is awake", around_.node));
  why_.clear();
  if (!around_.drains_anyway()) around_.drain.end();
  around_.changed();
}

}  // namespace llrun::agent
