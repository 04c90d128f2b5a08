// Where in a program a `syscall` instruction stands.
#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>
#include <optional>
#include <sstream>

#include "base/fd.h"
#include "tracer/remote/remote_syscall.h"

namespace llrun::tracer {
namespace {

constexpr std::array<std::byte, 2> kSyscall{std::byte{0x0f}, std::byte{0x05}};
constexpr std::uint64_t kMaxSearched = 4 << 20;

struct Executable {
  RemoteRange range;
  bool vdso = false;
};

std::optional<Executable> parse(const std::string& line) {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  std::array<char, 5> rights{};
  if (std::sscanf(line.c_str(), "%" SCNx64 "-%" SCNx64 " %4s", &start, &end, rights.data()) != 3)
    return std::nullopt;
  const bool vdso = line.ends_with("[vdso]");
  if (rights[0] != 'r' || rights[2] != 'x' || (!vdso && line.find('/') == std::string::npos))
    return std::nullopt;
  return Executable{{{start}, {end}}, vdso};
}

std::optional<SyscallSite> search(HostPid pid, const RemoteRange& range) {
  std::vector<std::byte> code(std::min(range.size(), kMaxSearched));
  if (!read_memory(pid, range.start, code)) return std::nullopt;
  const auto found = std::ranges::search(code, kSyscall);
  if (found.empty()) return std::nullopt;
  return SyscallSite{range.start + static_cast<std::uint64_t>(found.begin() - code.begin()), false};
}

}  // namespace

Result<SyscallSite> find_syscall_site(HostPid pid) {
  LLRUN_TRY_ASSIGN(const auto maps,
                   read_whole_file("/proc/" + std::to_string(pid.value) + "/maps"));
  std::vector<Executable> candidates;
  std::istringstream lines(maps);
  for (std::string line; std::getline(lines, line);)
    if (auto executable = parse(line)) candidates.push_back(*executable);
  std::ranges::stable_partition(candidates, &Executable::vdso);
  for (const auto& candidate : candidates)
    if (auto site = search(pid, candidate.range)) return *site;
  return failure(ErrorCode::kUnsupported,
                 "process " + std::to_string(pid.value) + " has no system call instruction");
}

}  // namespace llrun::tracer
