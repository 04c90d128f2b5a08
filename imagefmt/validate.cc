#include "imagefmt/validate.h"

#include <limits.h>
#include <sys/resource.h>
#include <sys/user.h>

#include <csignal>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace llrun {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kAddressEnd = std::uint64_t{1} << 47;
constexpr int kMostMappings = 1 << 22;  // far over any vm.max_map_count
constexpr int kMostThreads = 1 << 22;   // PID_MAX_LIMIT
constexpr int kMostDescriptors = 1 << 20;
constexpr int kMostGroups = 65536;  // NGROUPS_MAX
constexpr int kLastSignal = 64;
constexpr std::size_t kSiginfoBytes = 128;
constexpr std::size_t kMostXstate = 64 << 10;
constexpr std::size_t kMostAuxv = 4096;
constexpr std::size_t kHostNameBytes = 64;
constexpr std::uint64_t kMostPipe = std::uint64_t{1} << 31;

Result<> require(bool holds, std::string_view what) {
  if (holds) return {};
  return failure(ErrorCode::kProtocol, "the image makes no sense: " + std::string(what));
}

bool is_path(const std::string& path) {
  return path.size() < PATH_MAX * 2 && path.find('\0') == std::string::npos;
}

Result<> check_signals(const google::protobuf::RepeatedPtrField<image::SignalInfo>& pending) {
  for (const auto& signal : pending)
    LLRUN_TRY(require(signal.siginfo().size() == kSiginfoBytes, "a pending signal's size"));
  return {};
}

// The page of old system calls lies in the kernel's half, at the same place everywhere.
bool is_vsyscall(const image::Mapping& mapping) {
  return mapping.backing() == image::Mapping::BACKING_VSYSCALL;
}

Result<> check_memory(const image::MemoryLayout& memory) {
  LLRUN_TRY(require(memory.mappings_size() <= kMostMappings, "the number of mappings"));
  LLRUN_TRY(require(memory.auxv().size() <= kMostAuxv && memory.auxv().size() % 16 == 0,
                    "the auxiliary vector"));
  LLRUN_TRY(require(memory.start_brk() <= memory.brk() && memory.brk() < kAddressEnd, "the heap"));
  LLRUN_TRY(require(is_path(memory.exe_path()), "the path of the executable"));
  std::uint64_t last_end = 0;
  for (const auto& mapping : memory.mappings()) {
    LLRUN_TRY(
        require(is_path(mapping.path()) && mapping.name().size() < PATH_MAX, "a mapping's name"));
    if (is_vsyscall(mapping)) continue;
    LLRUN_TRY(require(mapping.start() % kPage == 0 && mapping.end() % kPage == 0 &&
                          mapping.start() < mapping.end() && mapping.end() <= kAddressEnd,
                      "a mapping's range"));
    LLRUN_TRY(require(mapping.start() >= last_end, "mappings overlap or are out of order"));
    LLRUN_TRY(require(mapping.offset() % kPage == 0, "a mapping's place in its file"));
    last_end = mapping.end();
  }
  return {};
}

Result<> check_threads(const image::Process& process) {
  LLRUN_TRY(require(process.threads_size() >= 1 && process.threads_size() <= kMostThreads,
                    "the number of threads"));
  LLRUN_TRY(require(process.threads(0).tid() == process.pid(), "the main thread is not the first"));
  std::set<std::int32_t> ids;
  for (const auto& thread : process.threads()) {
    LLRUN_TRY(require(thread.tid() > 0 && ids.insert(thread.tid()).second, "a thread's id"));
    LLRUN_TRY(
        require(thread.registers().size() == sizeof(user_regs_struct), "a thread's registers"));
    LLRUN_TRY(require(thread.xstate().size() <= kMostXstate, "a thread's extended state"));
    LLRUN_TRY(require(is_path(thread.name()), "a thread's name"));
    LLRUN_TRY(check_signals(thread.pending()));
  }
  return {};
}

Result<> check_signal_actions(const image::Process& process) {
  std::set<std::int32_t> seen;
  for (const auto& action : process.actions())
    LLRUN_TRY(require(action.signal() >= 1 && action.signal() <= kLastSignal &&
                          seen.insert(action.signal()).second,
                      "the action of a signal"));
  return check_signals(process.pending());
}

Result<> check_limits_and_timers(const image::Process& process) {
  for (const auto& limit : process.limits())
    LLRUN_TRY(require(
        limit.resource() >= 0 && limit.resource() < RLIM_NLIMITS && limit.soft() <= limit.hard(),
        "a resource limit"));
  for (const auto& timer : process.interval_timers())
    LLRUN_TRY(require(timer.which() >= 0 && timer.which() <= 2, "an interval timer"));
  std::set<std::int32_t> timers;
  for (const auto& timer : process.posix_timers())
    LLRUN_TRY(require(timer.id() >= 0 && timers.insert(timer.id()).second && timer.signal() >= 0 &&
                          timer.signal() <= kLastSignal,
                      "a POSIX timer"));
  return {};
}

Result<> check_description(const image::Description& description) {
  LLRUN_TRY(require(image::Description::Kind_IsValid(description.kind()) &&
                        description.kind() != image::Description::KIND_UNSPECIFIED,
                    "the kind of an open file"));
  LLRUN_TRY(require(is_path(description.path()), "the path of an open file"));
  LLRUN_TRY(require(description.offset() <= INT64_MAX, "the offset of an open file"));
  LLRUN_TRY(require(description.pipe_content().size() <= description.pipe_capacity() &&
                        description.pipe_capacity() <= kMostPipe,
                    "what is in a pipe"));
  for (const auto& entry : description.epoll())
    LLRUN_TRY(require(entry.fd() >= 0, "what an epoll instance watches"));
  return {};
}

Result<> check_descriptors(const image::Process& process) {
  LLRUN_TRY(require(process.descriptors_size() <= kMostDescriptors &&
                        process.descriptions_size() <= kMostDescriptors,
                    "the number of open files"));
  for (const auto& description : process.descriptions()) LLRUN_TRY(check_description(description));
  std::set<std::int32_t> numbers;
  for (const auto& descriptor : process.descriptors()) {
    LLRUN_TRY(require(descriptor.number() >= 0 && numbers.insert(descriptor.number()).second,
                      "the number of a descriptor"));
    LLRUN_TRY(
        require(descriptor.description() < static_cast<std::uint32_t>(process.descriptions_size()),
                "a descriptor of no open file"));
  }
  return {};
}

Result<> check_identity(const image::Process& process) {
  LLRUN_TRY(require(process.pid() > 1 && process.parent() >= 0, "the process id"));
  LLRUN_TRY(require(process.session() >= 0 && process.group() >= 0 &&
                        process.parent_session() >= 0 && process.parent_group() >= 0,
                    "the session or process group"));
  LLRUN_TRY(require(process.groups_size() <= kMostGroups, "the number of groups"));
  LLRUN_TRY(require(process.host_name().size() <= kHostNameBytes &&
                        process.domain_name().size() <= kHostNameBytes,
                    "the host name"));
  LLRUN_TRY(require(is_path(process.working_directory()), "the working directory"));
  LLRUN_TRY(require(process.umask() <= 0777, "the umask"));
  LLRUN_TRY(require(process.nice() >= -20 && process.nice() <= 19, "the nice value"));
  return require(process.parent_death_signal() >= 0 && process.parent_death_signal() <= kLastSignal,
                 "the signal at the parent's death");
}

}  // namespace

Result<> validate(const image::Process& process) {
  LLRUN_TRY(check_identity(process));
  LLRUN_TRY(check_memory(process.memory()));
  LLRUN_TRY(check_threads(process));
  LLRUN_TRY(check_signal_actions(process));
  LLRUN_TRY(check_limits_and_timers(process));
  return check_descriptors(process);
}

Result<> validate(const google::protobuf::RepeatedPtrField<image::PageRange>& ranges) {
  for (const auto& range : ranges)
    LLRUN_TRY(require(range.start() % kPage == 0 && range.start() < kAddressEnd &&
                          range.pages() <= (kAddressEnd - range.start()) / kPage &&
                          image::PageRange::Kind_IsValid(range.kind()),
                      "a range of pages"));
  return {};
}

}  // namespace llrun
