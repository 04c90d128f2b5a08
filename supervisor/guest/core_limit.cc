#include "supervisor/guest/core_limit.h"

#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>

#include "base/bytes.h"
#include "supervisor/guest/guest_memory.h"

namespace llrun {
namespace {

constexpr rlim_t kNoDump = 1;

image::ResourceLimit* core_limit_in(image::Process& image) {
  for (auto& limit : *image.mutable_limits())
    if (limit.resource() == RLIMIT_CORE) return &limit;
  return nullptr;
}

// Nobody can have more than the supervisor's.
rlim_t most_here() {
  rlimit ours{};
  return ::getrlimit(RLIMIT_CORE, &ours) == 0 ? ours.rlim_max : 0;
}

}  // namespace

CoreLimit::CoreLimit(image::Process& image) {
  image::ResourceLimit* const limit = core_limit_in(image);
  if (limit == nullptr) return;
  own_ = {limit->soft(), limit->hard()};
  if (limit->hard() < kNoDump) limit->set_hard(std::min(kNoDump, most_here()));
  limit->set_soft(std::min<rlim_t>(kNoDump, limit->hard()));
}

void CoreLimit::give_back(image::Process& image) const {
  image::ResourceLimit* const limit = core_limit_in(image);
  if (limit == nullptr) return;
  limit->set_soft(own_.rlim_cur);
  limit->set_hard(own_.rlim_max);
}

std::optional<std::int64_t> CoreLimit::answer(HostPid guest, const NotifiedCall& call) const {
  const auto store = [&](std::uint64_t address) -> std::int64_t {
    return write_as_guest(guest, {address}, bytes_of(own_)) ? 0 : -EFAULT;
  };
  const auto& args = call.args;
  if (call.number == SYS_getrlimit && static_cast<std::uint32_t>(args[0]) == RLIMIT_CORE)
    return store(args[1]);
  const bool asks = call.number == SYS_prlimit64 && static_cast<pid_t>(args[0]) == 0 &&
                    static_cast<std::uint32_t>(args[1]) == RLIMIT_CORE && args[2] == 0;
  if (!asks) return std::nullopt;
  return args[3] == 0 ? 0 : store(args[3]);
}

}  // namespace llrun
