#include "tracer/objects/measures.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "base/fd.h"
#include "tracer/objects/terminals.h"
#include "tracer/procfs/ending.h"
#include "tracer/procfs/fd_table.h"
#include "tracer/procfs/fdinfo.h"
#include "tracer/procfs/text.h"

namespace llrun::tracer {
namespace {

std::string proc_path(HostPid pid, const char* file) {
  return "/proc/" + std::to_string(pid.value) + "/" + file;
}

// Fields of statm: size, resident, and what of it files have ("shared").
Result<> measure_memory(HostPid pid, Measures& into) {
  LLRUN_TRY_ASSIGN(const std::string text, read_whole_file(proc_path(pid, "statm")));
  const auto words = split_words(text);
  const auto resident = words.size() > 2 ? parse_number<std::uint64_t>(words[1]) : std::nullopt;
  const auto of_files = words.size() > 2 ? parse_number<std::uint64_t>(words[2]) : std::nullopt;
  if (!resident || !of_files) return failure(ErrorCode::kProtocol, "statm: no resident set");
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  into.resident_bytes = *resident * page;
  into.anonymous_bytes = (*resident - std::min(*resident, *of_files)) * page;
  return {};
}

std::uint64_t counter(std::string_view io, std::string_view key) {
  const auto value = value_of(io, key);
  return value ? parse_number<std::uint64_t>(*value).value_or(0) : 0;
}

Result<> count_characters(HostPid pid, Measures& into) {
  const auto io = read_whole_file(proc_path(pid, "io"));
  if (!io) return std::unexpected(ended_or(pid, io.error()));
  into.characters_read = counter(*io, "rchar");
  into.characters_written = counter(*io, "wchar");
  into.disk_bytes = counter(*io, "read_bytes") + counter(*io, "write_bytes");
  return {};
}

// One that has closed meanwhile counts for nothing.
void note_file(HostPid pid, int fd, Measures& into) {
  const auto about = stat_fd(pid, fd);
  if (!about) return;
  if (!S_ISREG(about->st_mode)) {
    const bool kernel_object = (about->st_mode & S_IFMT) == 0;  // eventfd and the like
    const bool quiet = kernel_object || S_ISDIR(about->st_mode) ||
                       (S_ISCHR(about->st_mode) && is_terminal(about->st_rdev));
    into.has_streams = into.has_streams || !quiet;
    return;
  }
  if (const auto info = read_fdinfo(pid, fd))
    into.files[fd] = {about->st_dev, about->st_ino, info->position};
}

std::uint64_t grown(std::uint64_t earlier, std::uint64_t later) {
  return later > earlier ? later - earlier : 0;
}

// How far positions went forward. Several descriptors of one file at one position are most likely
// one description: it is counted once.
std::uint64_t advance(const Measures& earlier, const Measures& later) {
  std::uint64_t sum = 0;
  std::vector<FilePosition> counted;
  for (const auto& [fd, now] : later.files) {
    if (std::ranges::count(counted, now) > 0) continue;
    counted.push_back(now);
    const auto before = earlier.files.find(fd);
    const bool same = before != earlier.files.end() && before->second.device == now.device &&
                      before->second.inode == now.inode;
    sum += same ? grown(before->second.offset, now.offset) : now.offset;
  }
  return sum;
}

}  // namespace

Result<std::chrono::nanoseconds> cpu_time_of(HostPid pid) {
  clockid_t clock{};
  if (const int error = ::clock_getcpuclockid(pid.value, &clock); error != 0)
    return system_error("find the CPU clock of process " + std::to_string(pid.value), error);
  timespec time{};
  if (::clock_gettime(clock, &time) != 0)
    return system_error("read the CPU clock of process " + std::to_string(pid.value));
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

Result<Measures> measure(HostPid pid) {
  Measures it;
  it.taken = std::chrono::steady_clock::now();
  LLRUN_TRY_ASSIGN(it.cpu_time, cpu_time_of(pid));
  LLRUN_TRY(measure_memory(pid, it));
  LLRUN_TRY(count_characters(pid, it));
  LLRUN_TRY_ASSIGN(const std::vector<int> fds, list_fds(pid));
  for (const int fd : fds) note_file(pid, fd, it);
  return it;
}

std::uint64_t file_bytes_between(const Measures& earlier, const Measures& later) {
  const std::uint64_t characters = grown(earlier.characters_read, later.characters_read) +
                                   grown(earlier.characters_written, later.characters_written);
  if (!earlier.has_streams && !later.has_streams) return characters;
  const std::uint64_t disk = grown(earlier.disk_bytes, later.disk_bytes);
  return std::min(characters, std::max(advance(earlier, later), disk));
}

double cpu_rate_between(const Measures& earlier, const Measures& later) {
  const std::chrono::duration<double> real = later.taken - earlier.taken;
  const std::chrono::duration<double> cpu = later.cpu_time - earlier.cpu_time;
  return real.count() > 0 ? cpu / real : 0.0;
}

}  // namespace llrun::tracer
