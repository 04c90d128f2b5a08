#include "supervisor/world/clocks.h"

#include <fcntl.h>
#include <sched.h>

#include <cerrno>

#include "base/bytes.h"
#include "base/fd.h"

namespace llrun::world {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

// The kernel takes seconds of either sign and nanoseconds of 0 to 999999999.
std::string line(const char* clock, std::int64_t offset_ns) {
  std::int64_t seconds = offset_ns / kSecond, rest = offset_ns % kSecond;
  if (rest < 0) {
    rest += kSecond;
    --seconds;
  }
  return std::string(clock) + " " + std::to_string(seconds) + " " + std::to_string(rest) + "\n";
}

}  // namespace

std::string timens_text(const ClockOffsets& offsets) {
  return line("monotonic", offsets.monotonic_ns) + line("boottime", offsets.boottime_ns);
}

Result<> enter_time_namespace(const ClockOffsets& offsets) {
  if (::unshare(CLONE_NEWTIME) != 0) {
    if (errno == EINVAL)
      return failure(ErrorCode::kUnsupported,
                     "make a time namespace: this kernel has none (Linux 5.6, CONFIG_TIME_NS)");
    return system_error("make a time namespace");
  }
  LLRUN_TRY_ASSIGN(const Fd fd, open_file("/proc/self/timens_offsets", O_WRONLY));
  if (auto written = write_all(fd.get(), bytes_of(timens_text(offsets))); !written)
    return system_error("set the clocks of a world", written.error().errno_value);
  return {};
}

}  // namespace llrun::world
