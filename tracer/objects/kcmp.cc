#include "tracer/objects/kcmp.h"

#include <linux/kcmp.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace llrun::tracer {
namespace {

Result<Order> kcmp(pid_t a, pid_t b, int type, unsigned long first, unsigned long second) {
  switch (::syscall(SYS_kcmp, a, b, type, first, second)) {
    case 0:
      return Order::kEqual;
    case 1:
      return Order::kLess;
    case 2:
      return Order::kGreater;
    case 3:
      return Order::kUnequal;
    default:
      return system_error("compare process " + std::to_string(a) + " with " + std::to_string(b));
  }
}

int type_of(TaskObject object) {
  switch (object) {
    case TaskObject::kMemory:
      return KCMP_VM;
    case TaskObject::kFileTable:
      return KCMP_FILES;
    case TaskObject::kWorkingDirectory:
      return KCMP_FS;
    case TaskObject::kSignalActions:
      return KCMP_SIGHAND;
  }
  LLRUN_CHECK(false, "no such object");
}

}  // namespace

Result<Order> compare_files(HostPid pid, int fd, HostPid other, int other_fd) {
  return kcmp(pid.value, other.value, KCMP_FILE, static_cast<unsigned long>(fd),
              static_cast<unsigned long>(other_fd));
}

Result<bool> share(TaskObject object, pid_t task, pid_t other) {
  LLRUN_TRY_ASSIGN(const Order order, kcmp(task, other, type_of(object), 0, 0));
  return order == Order::kEqual;
}

Result<bool> epoll_entry_is_current(HostPid pid, int epoll, int target, unsigned occurrence) {
  kcmp_epoll_slot slot{};
  slot.efd = static_cast<std::uint32_t>(epoll);
  slot.tfd = static_cast<std::uint32_t>(target);
  slot.toff = occurrence;
  LLRUN_TRY_ASSIGN(const Order order,
                   kcmp(pid.value, pid.value, KCMP_EPOLL_TFD, static_cast<unsigned long>(target),
                        reinterpret_cast<unsigned long>(&slot)));
  return order == Order::kEqual;
}

}  // namespace llrun::tracer
