// Where in a program a `syscall` instruction stands, and where there is room for one.
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
  return SyscallSite{range.start + static_cast<std::uint64_t>(found.begin() - code.begin())};
}

Result<std::vector<Executable>> executables(HostPid pid) {
  LLRUN_TRY_ASSIGN(const auto maps,
                   read_whole_file("/proc/" + std::to_string(pid.value) + "/maps"));
  std::vector<Executable> found;
  std::istringstream lines(maps);
  for (std::string line; std::getline(lines, line);)
    if (auto executable = parse(line)) found.push_back(*executable);
  std::ranges::stable_partition(found, &Executable::vdso);
  return found;
}

// The linker fills up the last page of code with zeros. Where an earlier tracer was killed, its
// code is there, up to the frame.
bool is_room(std::span<const std::byte> end) {
  constexpr auto kCode = LLRUN_STUB_FRAME - LLRUN_STUB_RETURNING;
  return std::ranges::all_of(end, [](std::byte byte) { return byte == std::byte{0}; }) ||
         std::ranges::equal(end.first(kCode), returning_code().first(kCode));
}

}  // namespace

Result<std::optional<RemoteAddr>> find_room_behind_code(HostPid pid) {
  const auto size = returning_code().size();
  std::vector<std::byte> end(size);
  LLRUN_TRY_ASSIGN(const auto candidates, executables(pid));
  for (const auto& candidate : candidates) {
    const RemoteAddr at{candidate.range.end.value - size};
    if (read_memory(pid, at, end) && is_room(end)) return at;
  }
  return std::nullopt;
}

Result<SyscallSite> find_syscall_site(HostPid pid) {
  LLRUN_TRY_ASSIGN(const auto candidates, executables(pid));
  for (const auto& candidate : candidates)
    if (auto site = search(pid, candidate.range)) return *site;
  return failure(ErrorCode::kUnsupported,
                 "process " + std::to_string(pid.value) + " has no system call instruction");
}

}  // namespace llrun::tracer
