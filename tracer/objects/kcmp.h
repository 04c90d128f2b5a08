// kcmp(2): whether two tasks hold the same kernel object.
#pragma once

#include "base/ids.h"
#include "base/result.h"

namespace llrun::tracer {

enum class Order { kEqual, kLess, kGreater, kUnequal };

// Both numbers are descriptors of the processes named. EPERM where we may not look, EBADF where one
// is closed.
[[nodiscard]] Result<Order> compare_files(HostPid pid, int fd, HostPid other, int other_fd);

enum class TaskObject { kMemory, kFileTable, kWorkingDirectory, kSignalActions };
// `task`, `other`: processes or threads, by host id.
[[nodiscard]] Result<bool> share(TaskObject object, pid_t task, pid_t other);

// Whether the `occurrence`th entry with the number `target` in the epoll instance `epoll` of `pid`
// refers to the file that the number `target` has in `pid` now.
[[nodiscard]] Result<bool> epoll_entry_is_current(HostPid pid, int epoll, int target,
                                                  unsigned occurrence);

}  // namespace llrun::tracer
