#include "supervisor/agent/views.h"

#include <fmt/format.h>

#include <algorithm>

#include "supervisor/agent/crowd.h"

namespace llrun::agent {

policies::NodeView view_of(const protocol::Load& load, double age_s) {
  policies::NodeView view;
  view.name = load.node();
  // The smoothed value does not jump at each burst, but goes on counting for seconds what has left:
  // strategies take the smaller of the two where they leave and the larger where they go.
  view.load = load.run_queue();
  view.run_queue = load.running();
  view.cores = load.capacity();
  view.speed = load.speed();
  view.memory_bytes = static_cast<double>(load.total_memory_bytes());
  view.free_memory_bytes = static_cast<double>(load.free_memory_bytes());
  view.levelling = load.levelling();
  view.accepts = load.accepts();
  view.incoming = static_cast<int>(load.incoming());
  view.census = told_census(load);
  view.age_s = age_s;
  if (load.rtt_us() > 0) view.link.rtt_s = load.rtt_us() / 1e6;
  if (load.bandwidth() > 0) view.link.bandwidth_bytes_per_s = load.bandwidth() * (1U << 20);
  return view;
}

// What it has used was measured over seconds, and so is the load.
double wanted_cores(const protocol::ProcessReport& report, const policies::NodeView& host) {
  return report.cpu_rate() * std::max(1.0, host.load / std::max(host.cores, 0.01));
}

policies::ProcessView view_of(const protocol::ProcessReport& report,
                              const policies::NodeView& host) {
  policies::ProcessView view;
  view.id = static_cast<std::uint64_t>(report.pid());
  view.age_s = static_cast<double>(report.age_ms()) / 1e3;
  view.cpu_s = static_cast<double>(report.cpu_ms()) / 1e3;
  view.cpu_since_move_s =
      static_cast<double>(report.moves() == 0 ? report.cpu_ms() : report.cpu_since_move_ms()) / 1e3;
  view.cpu_rate = wanted_cores(report, host);
  view.rss_bytes = static_cast<double>(report.resident_bytes());
  view.dirty_bytes = static_cast<double>(report.dirty_bytes());
  view.home_bytes_per_s = report.file_io_rate() * (1U << 20);
  view.moves = static_cast<int>(report.moves());
  view.last_move_age_s = static_cast<double>(report.since_last_move_ms()) / 1e3;
  view.home_calls_per_s = report.home_calls_rate();
  view.program = report.executable().empty() ? report.program() : report.executable();
  return view;
}

std::string with_numbers(std::string words, const policies::Numbers& numbers) {
  for (const auto& [name, value] : numbers) words += fmt::format(", {} {:.3g}", name, value);
  return words;
}

std::string words_of(const std::string& reason, const policies::Numbers& numbers,
                     const policies::NodeView& here, const policies::NodeView& there) {
  return with_numbers(
      fmt::format("{}: run queue {:.1f} on the {:.1f} cores of {}, {:.1f} on the {:.1f} of {}",
                  reason, here.run_queue, here.cores, here.name, there.run_queue, there.cores,
                  there.name),
      numbers);
}

}  // namespace llrun::agent
