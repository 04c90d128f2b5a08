#include "tools/ctl/json.h"

#include <nlohmann/json.hpp>

#include "tools/ctl/session.h"

namespace llrun::ctl {
namespace {

using nlohmann::ordered_json;

// A command line is whatever bytes a user typed; JSON is UTF-8.
std::string dump(const ordered_json& object) {
  return object.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

ordered_json object_of(const protocol::Pin& pin) {
  return {{"what", pin.what()}, {"remedy", pin.remedy()}};
}

}  // namespace

std::string json_of(const protocol::ProcessReport& report) {
  ordered_json pins = ordered_json::array();
  for (const auto& pin : report.pins()) pins.push_back(object_of(pin));
  const bool guest = report.role() == protocol::ProcessReport::ROLE_GUEST;
  return dump({{"schema", kSchema},
               {"pid", report.pid()},
               {"program", report.program()},
               {"command", report.command()},
               {"role", guest ? "guest" : "home"},
               {"where", report.where()},
               {"home", report.home()},
               {"age_ms", report.age_ms()},
               {"cpu_ms", report.cpu_ms()},
               {"cpu_since_move_ms", report.cpu_since_move_ms()},
               {"cpu_rate", report.cpu_rate()},
               {"file_io_rate", report.file_io_rate()},
               {"resident_bytes", report.resident_bytes()},
               {"dirty_bytes", report.dirty_bytes()},
               {"moves", report.moves()},
               {"since_last_move_ms", report.since_last_move_ms()},
               {"last_reason", report.last_reason()},
               {"state", report.state()},
               {"eligible", report.eligible()},
               {"pins", pins},
               {"only_node", report.only_node()},
               {"stay", report.stay()},
               {"home_calls_rate", report.home_calls_rate()},
               {"stands_back_by", report.nice()},
               {"last_freeze_us", report.last_freeze_us()},
               {"last_bytes", report.last_bytes()},
               {"last_transfer_bytes", report.last_transfer_bytes()},
               {"last_transfer_us", report.last_transfer_us()},
               {"last_node", report.last_node()},
               {"sent_home", report.sent_home()},
               {"epoch", report.epoch()},
               {"unreached_ms", report.unreached_ms()},
               {"unreached_why", report.unreached_why()},
               {"job", report.job()},
               {"executable", report.executable()},
               {"build_id", report.build_id()},
               {"supervisor_pid", report.supervisor_pid()}});
}

std::string json_of(const protocol::Load& load, bool self) {
  return dump({{"schema", kSchema},
               {"node", load.node()},
               {"self", self},
               {"reachable", load.reachable()},
               {"unreachable_why", load.unreachable_why()},
               {"run_queue", load.run_queue()},
               {"running", load.running()},
               {"cores", load.cores()},
               {"speed", load.speed()},
               {"capacity", load.capacity()},
               {"cpu_idle", load.cpu_idle()},
               {"free_memory_bytes", load.free_memory_bytes()},
               {"total_memory_bytes", load.total_memory_bytes()},
               {"pressure_cpu", load.pressure_cpu()},
               {"pressure_memory", load.pressure_memory()},
               {"pressure_io", load.pressure_io()},
               {"disk_io_rate", load.disk_io_rate()},
               {"users", load.users()},
               {"levelling", load.levelling()},
               {"accepts", load.accepts()},
               {"accepts_why_not", load.accepts_why_not()},
               {"draining", load.draining()},
               {"incoming", load.incoming()},
               {"guests", load.guests()},
               {"measured_at_ms", load.measured_at_ms()},
               {"rtt_us", load.rtt_us()},
               {"bandwidth", load.bandwidth()},
               {"interval_ms", load.interval_ms()},
               {"clock_offset_ms",
                load.has_clock_offset_ms() ? nlohmann::json(load.clock_offset_ms()) : nullptr},
               {"clock_error_ms", load.clock_error_ms()}});
}

std::string json_of(const protocol::Pin& pin, int pid) {
  auto object = object_of(pin);
  object["schema"] = kSchema;
  object["pid"] = pid;
  return dump(object);
}

std::string json_of_line(const std::string& line) {
  return dump({{"schema", kSchema}, {"line", line}});
}

}  // namespace llrun::ctl
