#include <cstdio>

#include "tools/ctl/json.h"
#include "tools/ctl/table.h"
#include "tools/ctl/verb.h"

namespace llrun::ctl {
namespace {

std::string where(const protocol::ProcessReport& report) {
  if (report.role() == protocol::ProcessReport::ROLE_GUEST) return "from " + report.home();
  return report.where().empty() ? "home" : report.where();
}

// What became of the other side comes before why it went there.
std::string reason(const protocol::ProcessReport& report) {
  if (report.unreached_ms() == 0) return report.last_reason();
  const bool guest = report.role() == protocol::ProcessReport::ROLE_GUEST;
  return "not reached for " + human_time(report.unreached_ms()) + ": " +
         (guest ? "its home" : report.unreached_why());
}

std::vector<std::string> cells(const protocol::ProcessReport& report) {
  return {std::to_string(report.pid()),
          report.program(),
          where(report),
          report.state(),
          human_time(report.age_ms()),
          human_time(report.cpu_ms()),
          human_size(report.resident_bytes()),
          std::to_string(report.moves()),
          reason(report)};
}

int run(Session& session, const std::vector<std::string>&) {
  protocol::ControlMessage question;
  question.mutable_list_processes();
  Table table(
      {">PID", "PROGRAM", "WHERE", "STATE", ">AGE", ">CPU", ">RESIDENT", ">MOVES", "LAST REASON"});
  const int status = session.ask(question, [&](const protocol::Row& row) {
    if (session.json) return void(std::puts(json_of(row.process()).c_str()));
    table.add(cells(row.process()));
  });
  if (status == kDone && !session.json) table.print();
  return status;
}

}  // namespace

const Verb kPs{"ps", "", "the programs under llrun, and where they run", "", 0, 0, run};

}  // namespace llrun::ctl
