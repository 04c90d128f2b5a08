#include "supervisor/agent/homes.h"

#include "supervisor/holding/search.h"
#include "supervisor/migration/machine.h"

namespace llrun::agent {

using protocol::Holding;
using protocol::ProcessReport;

void Homes::look() {
  for (const auto* process : processes_.all())
    if (process->report.role() == ProcessReport::ROLE_GUEST && process->report.unreached_ms() > 0)
      ask(process->report);
}

void Homes::ask(const ProcessReport& guest) {
  protocol::HoldingQuestion question;
  question.set_job(guest.job());
  question.set_epoch(guest.epoch());
  peers_.ask(guest.home(), question,
             [this, alive = std::weak_ptr(alive_), job = guest.job(),
              epoch = guest.epoch()](const Holding& said) {
               if (!alive.expired()) pass_on(job, epoch, said);
             });
}

// What it proves is for the guest's supervisor to say, which knows whom it came from.
void Homes::pass_on(const std::string& job, std::uint32_t epoch, const Holding& said) {
  const auto* guest = processes_.guest(job, epoch);
  if (guest == nullptr) return;
  protocol::ControlMessage message;
  *message.mutable_home_says() = said;
  processes_.ask(*guest, message, [](const auto&) {});
}

// A supervisor's reports may be late, but a journey that was over stays so: the next has another
// epoch.
Holding Homes::holding_of(const std::string& job, std::uint32_t epoch) const {
  Holding answer;
  const auto* process = processes_.home_of(job);
  if (process == nullptr) {
    answer = holding::home_among(holding::look_at_processes(), job, [this](int pid) {
      return processes_.registered(static_cast<std::uint32_t>(pid));
    });
  } else if (const auto& report = process->report;
             report.epoch() > epoch ||
             (report.epoch() == epoch &&
              report.state() == migration::name(migration::HomeState::kHome))) {
    answer.set_state(Holding::STATE_NOT_HELD);
    answer.set_text("the program has come home");
  } else if (report.epoch() == epoch) {
    answer.set_state(Holding::STATE_HELD);
    answer.set_text("home waits for it");
  }
  *answer.mutable_origin() = origin_;
  return answer;
}

}  // namespace llrun::agent
