#include "supervisor/agent/loads_file.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cstdio>

#include "base/bytes.h"
#include "base/fd.h"

namespace llrun::agent {
namespace {

constexpr const char* kHeading =
    "#node level guests-welcome load running cores speed idle free_mib total_mib cpu_wait mem_wait "
    "io_wait disk_mib_s users guests incoming rtt_ms bandwidth_mib_s\n";

std::string known(double value, bool is_known) {
  return is_known ? fmt::format("{:.2f}", value) : "-";
}

std::string line_of(const protocol::Load& load) {
  if (!load.reachable())
    return fmt::format("{} unreachable{}\n", load.node(), " - - - - - - - - - - - - - - - - -");
  const auto percent = [](double value) { return known(value, value >= 0); };
  return fmt::format(
      "{} {} {} {:.2f} {:.0f} {:.2f} {:.2f} {:.2f} {} {} {} {} {} {:.2f} {} {} {} {} {}\n",
      load.node(), load.levelling() ? "on" : "off",
      load.draining() ? "draining" : (load.accepts() ? "yes" : "no"), load.run_queue(),
      load.running(), load.capacity(), load.speed(), load.cpu_idle(),
      load.free_memory_bytes() >> 20, load.total_memory_bytes() >> 20, percent(load.pressure_cpu()),
      percent(load.pressure_memory()), percent(load.pressure_io()), load.disk_io_rate(),
      load.users(), load.guests(), load.incoming(), known(load.rtt_us() / 1000, load.rtt_us() > 0),
      known(load.bandwidth(), load.bandwidth() > 0));
}

}  // namespace

std::string loads_text(std::span<const protocol::Load> loads) {
  std::string text = kHeading;
  for (const auto& load : loads) text += line_of(load);
  return text;
}

Result<> write_loads(const std::string& file, const std::string& text) {
  const auto next = file + ".new";
  {
    LLRUN_TRY_ASSIGN(const Fd out, open_file(next, O_WRONLY | O_CREAT | O_TRUNC, 0600));
    LLRUN_TRY(write_all(out.get(), bytes_of(std::string_view(text))));
  }
  if (std::rename(next.c_str(), file.c_str()) != 0) return system_error("replace " + file);
  return {};
}

}  // namespace llrun::agent
