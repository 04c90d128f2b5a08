#include "supervisor/agent/processes.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace llrun::agent {

using protocol::ControlMessage;
using protocol::ProcessReport;

std::string who_is(const ProcessReport& report) {
  return fmt::format("{} {}", report.role() == ProcessReport::ROLE_GUEST ? "guest" : "home",
                     report.pid());
}

bool Processes::take(const std::shared_ptr<control::Connection>& from,
                     const ControlMessage& message) {
  switch (message.body_case()) {
    case ControlMessage::kRegisterSupervisor:
      keep(from, message.register_supervisor().first());
      return true;
    case ControlMessage::kReport:
      keep(from, message.report());
      return true;
    case ControlMessage::kEvent:
      log_event(from.get(), message.event());
      return true;
    case ControlMessage::kFinished:
      finished(from.get(), message.finished());
      return true;
    case ControlMessage::kAnswer:
    case ControlMessage::kRow:
      answered(from.get(), message);
      return true;
    default:
      return false;
  }
}

void Processes::keep(const std::shared_ptr<control::Connection>& from,
                     const ProcessReport& report) {
  // The supervisor of a guest registers before it knows the guest's number: that is no other guest.
  if (report.pid() != 0) processes_.erase({from.get(), 0});
  auto& entry = processes_[{from.get(), report.pid()}];
  if (entry.supervisor == nullptr)
    log_.add(who_is(report), fmt::format("{} ({})",
                                         report.role() == ProcessReport::ROLE_GUEST
                                             ? "is a guest from " + report.home()
                                             : "is supervised",
                                         report.program()));
  entry = {report, from};
  if (observer_.heard) observer_.heard(report);
}

void Processes::log_event(const control::Connection* from, const protocol::LogEvent& event) {
  const auto found = processes_.find({from, event.pid()});
  log_.add(found == processes_.end() ? fmt::format("process {}", event.pid())
                                     : who_is(found->second.report),
           event.text());
}

void Processes::finished(const control::Connection* from, const protocol::Finished& finished) {
  const auto found = processes_.find({from, finished.pid()});
  if (found == processes_.end()) return;
  log_.add(who_is(found->second.report), "ended: " + finished.how());
  if (observer_.ended) observer_.ended(found->second.report);
  processes_.erase(found);
}

void Processes::answered(const control::Connection* from, const ControlMessage& message) {
  const auto found = questions_.find(message.id());
  if (found == questions_.end() || found->second.to != from) return;
  const auto on_answer = found->second.on_answer;
  if (message.has_answer()) questions_.erase(found);
  on_answer(message);
}

void Processes::gone(const control::Connection* connection) {
  for (const auto& [key, entry] : processes_)
    if (key.first == connection) {
      log_.add(who_is(entry.report), "its supervisor has gone");
      if (observer_.lost) observer_.lost(entry.report);
    }
  std::erase_if(processes_, [&](const auto& entry) { return entry.first.first == connection; });
  std::vector<OnAnswer> orphans;
  std::erase_if(questions_, [&](auto& entry) {
    if (entry.second.to != connection) return false;
    orphans.push_back(std::move(entry.second.on_answer));
    return true;
  });
  ControlMessage message;
  message.mutable_answer()->set_status(protocol::Answer::STATUS_NO_SUCH_PROCESS);
  message.mutable_answer()->set_text(
      "the process ended, or its supervisor did, before it could answer");
  for (const auto& on_answer : orphans) on_answer(message);
}

std::vector<const Supervised*> Processes::all() const {
  std::vector<const Supervised*> result;
  for (const auto& [key, entry] : processes_) result.push_back(&entry);
  std::ranges::sort(result, {}, [](const Supervised* one) { return one->report.pid(); });
  return result;
}

const Supervised* Processes::home(int pid) const {
  for (const auto& [key, entry] : processes_)
    if (key.second == pid && entry.report.role() == ProcessReport::ROLE_HOME) return &entry;
  return nullptr;
}

const Supervised* Processes::home_of(const std::string& job) const {
  for (const auto& [key, entry] : processes_)
    if (entry.report.job() == job && entry.report.role() == ProcessReport::ROLE_HOME) return &entry;
  return nullptr;
}

const Supervised* Processes::guest(const std::string& job, std::uint32_t epoch) const {
  for (const auto& [key, entry] : processes_)
    if (entry.report.job() == job && entry.report.epoch() == epoch &&
        entry.report.role() == ProcessReport::ROLE_GUEST)
      return &entry;
  return nullptr;
}

std::uint32_t Processes::guests() const {
  return static_cast<std::uint32_t>(std::ranges::count_if(processes_, [](const auto& entry) {
    return entry.second.report.role() == ProcessReport::ROLE_GUEST;
  }));
}

bool Processes::registered(std::uint32_t supervisor_pid) const {
  return std::ranges::any_of(processes_, [&](const auto& entry) {
    return entry.second.report.supervisor_pid() == supervisor_pid;
  });
}

void Processes::ask(const Supervised& whom, ControlMessage question, OnAnswer on_answer,
                    std::span<const int> fds) {
  question.set_id(next_question_++);
  questions_[question.id()] = {whom.supervisor.get(), std::move(on_answer)};
  const auto supervisor = whom.supervisor;
  supervisor->send(question, fds);
}

void Processes::say_to_all(const ControlMessage& message) {
  std::set<std::shared_ptr<control::Connection>> supervisors;
  for (const auto& [key, entry] : processes_) supervisors.insert(entry.supervisor);
  for (const auto& supervisor : supervisors) {
    supervisor->send(message);
    supervisor->flush(std::chrono::milliseconds(100));
  }
}

}  // namespace llrun::agent
