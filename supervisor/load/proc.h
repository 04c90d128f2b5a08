// What /proc says about the machine: text in, plain values out. Formats: proc(5).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace llrun::load {

// /proc/loadavg: threads that run or are ready now, the reader among them.
[[nodiscard]] std::optional<unsigned> parse_running(std::string_view loadavg);

struct CpuTicks {
  std::uint64_t total = 0;  // of the processors asked for, in clock ticks
  std::uint64_t idle = 0;   // idle and waiting for disks
  unsigned cores = 0;
};
// Of the processors for which `counts` says yes.
[[nodiscard]] std::optional<CpuTicks> parse_cpu(std::string_view proc_stat,
                                                const std::function<bool(unsigned)>& counts);

struct Memory {
  std::uint64_t total_bytes = 0;
  std::uint64_t available_bytes = 0;  // MemAvailable: without swapping
};
[[nodiscard]] std::optional<Memory> parse_memory(std::string_view meminfo);

// "some avg10" of a file in /proc/pressure, percent.
[[nodiscard]] std::optional<double> parse_pressure(std::string_view text);

// Bytes read and written by whole disks: partitions, loop devices and what lies on other disks are
// left out.
[[nodiscard]] std::uint64_t parse_disk_bytes(std::string_view diskstats);

// Of a process or of one of its threads.
struct ProcessTicks {
  std::string name;
  bool running = false;    // state R: runs or is ready
  std::uint64_t cpu = 0;   // user and system, clock ticks
  unsigned threads = 1;    // of the process
  unsigned processor = 0;  // where it runs, or ran last and waits
};
[[nodiscard]] std::optional<ProcessTicks> parse_process(std::string_view pid_stat);

// llrun's own programs and the carriers of its channels: what moving costs is not a load to be
// moved away from.
[[nodiscard]] bool is_machinery(std::string_view name);

[[nodiscard]] std::string cpu_model(std::string_view cpuinfo);  // "model name" of the first

}  // namespace llrun::load
