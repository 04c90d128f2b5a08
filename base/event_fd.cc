#include "base/event_fd.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

namespace llrun {

Result<Fd> make_event() {
  Fd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event.valid()) return system_error("create an eventfd");
  return event;
}

void signal_event(const Fd& event) {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(event.get(), &one, sizeof one);
}

void clear_event(const Fd& event) {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t taken = ::read(event.get(), &count, sizeof count);
}

}  // namespace llrun
