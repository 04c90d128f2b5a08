// CpuTime: the CPU clocks of a guest, which go on from where they stood at home.
//
// The kernel lets nobody set them, so the calls that read them are answered here: the guest's own
// time here plus what the program had used before it came (clock_gettime(2), getrusage(2),
// times(2)). Not covered: /proc/self/stat, and the limits RLIMIT_CPU and ITIMER_PROF are counted
// from, which start anew with each move (docs/limits.md).
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "base/ids.h"
#include "imagefmt/image.pb.h"
#include "tracer/filter/notifier.h"

namespace llrun {

class CpuTime {
 public:
  CpuTime() = default;
  explicit CpuTime(const image::Process& image);
  // Thread ids as this kernel names them, once they are known.
  void know_thread(GuestTid guest, HostTid host);
  // The call's return value, after its result has been stored in the guest; none: let the kernel do
  // it.
  [[nodiscard]] std::optional<std::int64_t> answer(HostPid guest, const NotifiedCall& call) const;

 private:
  [[nodiscard]] std::uint64_t process_ns(HostPid guest) const;
  [[nodiscard]] std::uint64_t thread_ns(HostTid thread) const;

  std::uint64_t process_before_ns_ = 0;
  std::map<GuestTid, std::uint64_t> threads_before_ns_;
  std::map<HostTid, std::uint64_t> before_ns_;
};

}  // namespace llrun
