#include "supervisor/home/watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/fd.h"
#include "supervisor/home/process_age.h"
#include "tracer/objects/memory.h"

namespace llrun {
namespace {

// Rates are over this many samples, one a second.
constexpr std::size_t kSamples = 5;

double seconds_between(const tracer::Measures& earlier, const tracer::Measures& later) {
  return std::chrono::duration<double>(later.taken - earlier.taken).count();
}

std::string proc_path(HostPid pid, const char* file) {
  return fmt::format("/proc/{}/{}", pid.value, file);
}

}  // namespace

Result<> Watch::sample() {
  read_names();
  LLRUN_TRY_ASSIGN(auto measures, tracer::measure(pid_));
  samples_.push_back(std::move(measures));
  if (samples_.size() > kSamples) samples_.pop_front();
  return {};
}

void Watch::read_names() {
  if (auto text = read_whole_file(proc_path(pid_, "cmdline")); text && !text->empty()) {
    command_ = std::move(*text);
    program_ = std::filesystem::path(command_.c_str()).filename();
    while (!command_.empty() && command_.back() == '\0') command_.pop_back();
    std::ranges::replace(command_, '\0', ' ');
  }
  if (auto name = read_whole_file(proc_path(pid_, "comm")))
    name_ = name->substr(0, name->find('\n'));
  if (auto link = read_link(proc_path(pid_, "exe"))) executable_ = std::move(*link);
}

Result<tracer::Pins> find_pins(HostPid pid, const std::vector<HostPid>& job) {
  LLRUN_TRY_ASSIGN(auto pins, tracer::all_pins(pid, job));
  const auto of_memory = tracer::memory_pins(pid);
  if (!of_memory && pins.empty()) return std::unexpected(of_memory.error());
  if (of_memory) pins.insert(pins.end(), of_memory->begin(), of_memory->end());
  return pins;
}

Result<> Watch::look_for_pins(const std::vector<HostPid>& job) {
  LLRUN_TRY_ASSIGN(pins_, find_pins(pid_, job));
  return {};
}

std::chrono::milliseconds Watch::age() const { return process_age(pid_); }

double Watch::cpu_rate() const {
  return samples_.size() < 2 ? 0 : tracer::cpu_rate_between(samples_.front(), samples_.back());
}

double Watch::file_io_rate() const {
  if (samples_.size() < 2) return 0;
  std::uint64_t bytes = 0;
  for (std::size_t i = 1; i < samples_.size(); ++i)
    bytes += tracer::file_bytes_between(samples_[i - 1], samples_[i]);
  return static_cast<double>(bytes) / (1 << 20) /
         std::max(seconds_between(samples_.front(), samples_.back()), 0.001);
}

std::optional<std::string> Watch::not_yet(const HomeOptions& options) const {
  if (age() < options.after)
    return fmt::format("it is {:.1f} s old and moves from {:.1f} s on",
                       static_cast<double>(age().count()) / 1000,
                       static_cast<double>(options.after.count()) / 1000);
  if (auto busy = too_busy(options)) return busy;
  if (samples_.size() < 2) return "it has not been watched for long enough";
  return std::nullopt;
}

std::optional<std::string> Watch::too_busy(const HomeOptions& options) const {
  if (file_io_rate() <= options.max_io) return std::nullopt;
  return fmt::format("it reads and writes {:.1f} MiB/s of files here, more than {:.1f}",
                     file_io_rate(), options.max_io);
}

bool Watch::is_only_young(const HomeOptions& options) const {
  return !options.after_given && age() < options.after && pins_.empty() && !too_busy(options);
}

void Watch::describe(protocol::ProcessReport& report) const {
  report.set_program(program_);
  report.set_command(command_);
  report.set_executable(executable_);
  report.set_age_ms(static_cast<std::uint64_t>(age().count()));
  report.set_cpu_rate(cpu_rate());
  report.set_file_io_rate(file_io_rate());
  if (samples_.empty()) return;
  using std::chrono::milliseconds;
  report.set_cpu_ms(static_cast<std::uint64_t>(
      std::chrono::duration_cast<milliseconds>(samples_.back().cpu_time).count()));
  report.set_resident_bytes(samples_.back().resident_bytes);
  report.set_dirty_bytes(samples_.back().anonymous_bytes);
}

}  // namespace llrun
