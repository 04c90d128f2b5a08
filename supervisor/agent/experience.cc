#include "supervisor/agent/experience.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "supervisor/history/build_id.h"

namespace llrun::agent {

using protocol::ProcessReport;

Result<std::unique_ptr<Experience>> Experience::create(
    const std::map<std::string, std::string>& hints, const std::string& state_directory,
    EventLog& log) {
  std::unique_ptr<Experience> experience(new Experience(state_directory, log));
  for (const auto& [program, hint] : hints) {
    auto added = experience->hints_.add(program, hint);
    if (!added)
      return failure(ErrorCode::kInvalid,
                     "the hint for " + program + ": " + added.error().attempted);
  }
  return experience;
}

Experience::Experience(const std::string& state_directory, EventLog& log)
    : history_(state_directory, [&log](const std::string& words) { log.add(words); }) {}

// The executable is read where the process runs it: the file of that name may be another by now.
void Experience::heard(const ProcessReport& report) {
  if (report.role() != ProcessReport::ROLE_HOME || report.executable().empty()) return;
  Run& run = runs_[report.pid()];
  if (run.key.path != report.executable())
    run.key = {report.executable(),
               history::build_id_of(fmt::format("/proc/{}/exe", report.pid()))};
  run.cpu_s = static_cast<double>(report.cpu_ms()) / 1e3;
  run.most_rss_bytes = std::max(run.most_rss_bytes, static_cast<double>(report.resident_bytes()));
  ++run.reports;
  run.io_sum += report.file_io_rate() * (1U << 20);
  if (report.where().empty()) return;
  ++run.reports_away;
  run.home_calls_sum += report.home_calls_rate();
}

void Experience::lost(const ProcessReport& last) {
  if (last.role() == ProcessReport::ROLE_HOME) runs_.erase(last.pid());
}

void Experience::ended(const ProcessReport& last) {
  const auto found = runs_.find(last.pid());
  if (last.role() != ProcessReport::ROLE_HOME || found == runs_.end()) return;
  const Run& run = found->second;
  policies::RunRecord record;
  record.cpu_s = run.cpu_s;
  record.rss_bytes = run.most_rss_bytes;
  record.io_bytes_per_s = run.io_sum / std::max(1, run.reports);
  record.home_calls_per_s = run.home_calls_sum / std::max(1, run.reports_away);
  history_.record(run.key, record, std::time(nullptr));
  runs_.erase(found);
}

// What the user says comes first, then what has been seen.
Expectation Experience::expect(const ProcessReport& report) {
  Expectation expectation;
  expectation.hint = hints_.find(report.executable());
  if (expectation.hint == nullptr) expectation.hint = hints_.find(report.program());
  const double cpu_s = static_cast<double>(report.cpu_ms()) / 1e3;
  expectation.remaining_cpu_s = policies::hinted_remaining_s(expectation.hint, cpu_s);
  const auto run = runs_.find(report.pid());
  if (expectation.remaining_cpu_s || run == runs_.end()) return expectation;
  if (const auto* history = history_.find(run->second.key); history != nullptr)
    expectation.remaining_cpu_s = policies::remaining_cpu_s(history, cpu_s);
  return expectation;
}

std::string Experience::why_longer_than(const ProcessReport& report, double cpu_s) {
  const auto* hint = expect(report).hint;
  if (hint != nullptr && (hint->never || hint->expected_s))
    return !hint->never && *hint->expected_s > cpu_s
               ? fmt::format("a hint says that {} runs long", report.program())
               : "";
  const auto run = runs_.find(report.pid());
  if (run == runs_.end() || !policies::surely_uses(history_.find(run->second.key), cpu_s))
    return "";
  return fmt::format("most runs of {} have been longer than {:.3g} s", report.program(), cpu_s);
}

std::optional<double> Experience::expected_cpu_s(const history::ProgramKey& key) {
  return policies::expected_cpu_s(history_.find(key));
}

}  // namespace llrun::agent
