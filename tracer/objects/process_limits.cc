#include "tracer/objects/process_limits.h"

#include <sys/resource.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/fd.h"
#include "tracer/procfs/text.h"

namespace llrun::tracer {
namespace {

constexpr std::array kNames{
    "CPU time",       "file size",     "data size",          "stack size",
    "core file size", "resident set",  "processes",          "open files",
    "locked memory",  "address space", "file locks",         "pending signals",
    "message queues", "nice",          "real-time priority", "real-time runtime"};

bool is_of_the_machine(int resource) {
  return resource == RLIMIT_NPROC || resource == RLIMIT_SIGPENDING;
}

Result<std::vector<rlimit>> read_limits(RemoteSyscalls& calls, RemoteArena arena) {
  Batch batch(calls, arena);
  LLRUN_TRY_ASSIGN(const auto place, batch.arena().reserve(kNames.size() * sizeof(rlimit)));
  for (std::size_t i = 0; i < kNames.size(); ++i)
    batch.add(SYS_prlimit64, 0, i, 0, place + i * sizeof(rlimit));
  LLRUN_TRY(batch.run_all_must_succeed("read resource limits"));
  std::vector<rlimit> limits(kNames.size());
  LLRUN_TRY(read_memory(calls.pid(), place, std::as_writable_bytes(std::span(limits))));
  return limits;
}

Result<rlimit> reachable(const image::ResourceLimit& wanted, const rlimit& here) {
  const rlimit limit{wanted.soft(), wanted.hard()};
  if (wanted.hard() <= here.rlim_max) return limit;
  if (is_of_the_machine(wanted.resource()))
    return rlimit{std::min<rlim_t>(wanted.soft(), here.rlim_max), here.rlim_max};
  return failure(ErrorCode::kRefused,
                 std::string("the limit of ") +
                     kNames[static_cast<std::size_t>(wanted.resource())] +
                     " is lower here than where the program comes from; raise it for this user");
}

}  // namespace

Result<> capture_limits(RemoteSyscalls& calls, RemoteArena arena, image::Process& process) {
  LLRUN_TRY_ASSIGN(const auto limits, read_limits(calls, arena));
  for (std::size_t i = 0; i < limits.size(); ++i) {
    auto& record = *process.add_limits();
    record.set_resource(static_cast<std::int32_t>(i));
    record.set_soft(limits[i].rlim_cur);
    record.set_hard(limits[i].rlim_max);
  }
  return {};
}

Result<> restore_limits(RemoteSyscalls& calls, RemoteArena arena, const image::Process& process) {
  LLRUN_TRY_ASSIGN(const auto here, read_limits(calls, arena));
  Batch batch(calls, arena);
  for (const auto& wanted : process.limits()) {
    const auto index = static_cast<std::size_t>(wanted.resource());
    if (index >= here.size()) continue;
    LLRUN_TRY_ASSIGN(const auto limit, reachable(wanted, here[index]));
    LLRUN_TRY_ASSIGN(const auto place, batch.arena().put_value(limit));
    batch.add(SYS_prlimit64, 0, wanted.resource(), place, 0);
  }
  return batch.run_all_must_succeed("restore resource limits");
}

std::optional<std::string> limit_beyond(HostPid pid, std::span<const std::uint64_t> hard_limits) {
  for (std::size_t i = 0; i < std::min(kNames.size(), hard_limits.size()); ++i) {
    const auto resource = static_cast<__rlimit_resource>(i);
    rlimit own{};
    if (is_of_the_machine(static_cast<int>(i)) ||
        ::prlimit(pid.value, resource, nullptr, &own) != 0 || own.rlim_max <= hard_limits[i])
      continue;
    return std::string("the limit of ") + kNames[i] +
           " is lower there than where the program comes from; raise it for this user";
  }
  return std::nullopt;
}

std::uint64_t cpu_time_of_thread(HostPid pid, HostTid tid) {
  const auto text = read_whole_file("/proc/" + std::to_string(pid.value) + "/task/" +
                                    std::to_string(tid.value) + "/schedstat")
                        .value_or("");
  const auto words = split_words(text);
  return words.empty() ? 0 : parse_number<std::uint64_t>(words.front()).value_or(0);
}

}  // namespace llrun::tracer
