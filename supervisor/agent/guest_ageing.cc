#include "supervisor/agent/guest_ageing.h"

#include <fmt/format.h>

#include "supervisor/migration/machine.h"

namespace llrun::agent {

using protocol::ProcessReport;

void GuestAgeing::look(const std::function<int(double cpu_age_s)>& nice_of) {
  for (const auto* process : processes_.all()) {
    const auto& report = process->report;
    if (report.role() != ProcessReport::ROLE_GUEST ||
        report.state() != migration::name(migration::GuestState::kSettled))
      continue;
    const int nice = nice_of(static_cast<double>(report.cpu_ms()) / 1e3);
    if (nice <= report.nice() || !asked_.insert(report.supervisor_pid()).second) continue;
    protocol::ControlMessage message;
    message.mutable_stand_back()->set_nice(nice);
    processes_.ask(
        *process, message,
        [this, supervisor = report.supervisor_pid(), who = who_is(report),
         nice](const auto& answer) {
          if (!answer.has_answer()) return;
          asked_.erase(supervisor);
          const bool done = answer.answer().status() == protocol::Answer::STATUS_DONE;
          log_.add(
              done ? fmt::format("{} stands back behind younger programs by {} levels", who, nice)
                   : fmt::format("{} does not stand back: {}", who, answer.answer().text()));
        });
  }
}

}  // namespace llrun::agent
