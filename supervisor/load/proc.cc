#include "supervisor/load/proc.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <sstream>
#include <vector>

namespace llrun::load {
namespace {

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  return value;
}

std::vector<std::string_view> words(std::string_view line) {
  std::vector<std::string_view> result;
  for (std::size_t at = line.find_first_not_of(" \t"); at != std::string_view::npos;) {
    const auto end = line.find_first_of(" \t", at);
    result.push_back(line.substr(at, end == std::string_view::npos ? end : end - at));
    at = end == std::string_view::npos ? end : line.find_first_not_of(" \t", end);
  }
  return result;
}

template <typename Function>
void for_each_line(std::string_view text, Function function) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    function(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  }
}

std::uint64_t kilobytes_of(std::string_view meminfo, std::string_view key) {
  std::uint64_t value = 0;
  for_each_line(meminfo, [&](std::string_view line) {
    if (!line.starts_with(key)) return;
    if (const auto parts = words(line); parts.size() >= 2) value = number(parts[1]).value_or(0);
  });
  return value;
}

bool ends_with_partition(std::string_view name) {
  // nvme0n1p2, mmcblk0p1: a p and digits after a digit; sda1, vda1: digits after letters.
  const auto digits = name.find_last_not_of("0123456789");
  if (digits == std::string_view::npos || digits + 1 == name.size()) return false;
  if (name.starts_with("nvme") || name.starts_with("mmcblk")) return name[digits] == 'p';
  return true;
}

bool is_whole_disk(std::string_view name) {
  for (const auto* prefix : {"loop", "ram", "zram", "dm-", "md", "sr", "fd", "nbd"})
    if (name.starts_with(prefix)) return false;
  return !ends_with_partition(name);
}

}  // namespace

std::optional<unsigned> parse_running(std::string_view loadavg) {
  const auto parts = words(loadavg);
  if (parts.size() < 4) return std::nullopt;
  const auto value = number(parts[3]);
  return value ? std::optional(static_cast<unsigned>(*value)) : std::nullopt;
}

std::optional<CpuTicks> parse_cpu(std::string_view proc_stat,
                                  const std::function<bool(unsigned)>& counts) {
  CpuTicks ticks;
  for_each_line(proc_stat, [&](std::string_view line) {
    if (!line.starts_with("cpu")) return;
    const auto parts = words(line);
    const auto processor = number(parts.front().substr(3));  // "cpu" alone is the sum of all
    if (!processor || !counts(static_cast<unsigned>(*processor))) return;
    ++ticks.cores;
    // user nice system idle iowait irq softirq steal; guest time is within user.
    for (std::size_t i = 1; i < parts.size() && i <= 8; ++i) {
      const auto value = number(parts[i]).value_or(0);
      ticks.total += value;
      if (i == 4 || i == 5) ticks.idle += value;
    }
  });
  return ticks.cores > 0 ? std::optional(ticks) : std::nullopt;
}

std::optional<Memory> parse_memory(std::string_view meminfo) {
  const Memory memory{kilobytes_of(meminfo, "MemTotal:") << 10,
                      kilobytes_of(meminfo, "MemAvailable:") << 10};
  return memory.total_bytes == 0 ? std::nullopt : std::optional(memory);
}

std::optional<double> parse_pressure(std::string_view text) {
  constexpr std::string_view kKey = "some avg10=";
  const auto at = text.find(kKey);
  if (at == std::string_view::npos) return std::nullopt;
  return std::strtod(std::string(text.substr(at + kKey.size(), 16)).c_str(), nullptr);
}

std::uint64_t parse_disk_bytes(std::string_view diskstats) {
  constexpr std::uint64_t kSector = 512;  // of this file, whatever the disk's own
  std::uint64_t sectors = 0;
  for_each_line(diskstats, [&](std::string_view line) {
    const auto parts = words(line);
    if (parts.size() < 10 || !is_whole_disk(parts[2])) return;
    sectors += number(parts[5]).value_or(0) + number(parts[9]).value_or(0);
  });
  return sectors * kSector;
}

std::optional<ProcessTicks> parse_process(std::string_view pid_stat) {
  const auto name_end = pid_stat.rfind(')');  // the name may hold anything, parentheses too
  if (name_end == std::string_view::npos) return std::nullopt;
  const auto parts = words(pid_stat.substr(name_end + 1));
  if (parts.size() < 37) return std::nullopt;
  // Fields 3, 14, 15, 20 and 39 of proc(5); the third is the first behind the name.
  const auto name_begin = std::min(pid_stat.find('('), name_end);
  return ProcessTicks{std::string(pid_stat.substr(name_begin + 1, name_end - name_begin - 1)),
                      parts[0] == "R",
                      number(parts[11]).value_or(0) + number(parts[12]).value_or(0),
                      static_cast<unsigned>(number(parts[17]).value_or(1)),
                      static_cast<unsigned>(number(parts[36]).value_or(0))};
}

bool is_machinery(std::string_view name) {
  return name.starts_with("llrun") || name == "ssh" || name == "sshd";
}

std::string cpu_model(std::string_view cpuinfo) {
  const auto at = cpuinfo.find("model name");
  const auto colon = cpuinfo.find(": ", at);
  if (at == std::string_view::npos || colon == std::string_view::npos) return "unknown";
  return std::string(cpuinfo.substr(colon + 2, cpuinfo.find('\n', colon) - colon - 2));
}

}  // namespace llrun::load
