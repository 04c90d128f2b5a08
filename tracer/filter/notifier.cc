#include "tracer/filter/notifier.h"

#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <utility>

// Linux 6.6; newer than the oldest headers this is built with.
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

namespace llrun {
namespace {

// ENOENT: no such notification any more. EINPROGRESS: it has been answered, its thread has not
// woken yet.
std::unexpected<Error> notification_error(const char* attempted) {
  if (errno == ENOENT || errno == EINPROGRESS)
    return std::unexpected(Error{ErrorCode::kGone, errno, attempted});
  return system_error(attempted);
}

// The kernel's structures may have grown since this was built; it writes as much as its own is
// long.
struct Sizes {
  std::size_t notification = sizeof(seccomp_notif);
  std::size_t response = sizeof(seccomp_notif_resp);
};

Sizes kernel_sizes() {
  Sizes sizes;
  seccomp_notif_sizes kernel{};
  if (::syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &kernel) == 0) {
    sizes.notification = std::max<std::size_t>(sizes.notification, kernel.seccomp_notif);
    sizes.response = std::max<std::size_t>(sizes.response, kernel.seccomp_notif_resp);
  }
  return sizes;
}

const Sizes& sizes() {
  static const Sizes known = kernel_sizes();
  return known;
}

// A kernel structure with room behind it, all zero.
template <typename T>
class Roomy {
 public:
  explicit Roomy(std::size_t bytes)
      : words_(std::make_unique<std::uint64_t[]>((bytes + 7) / sizeof(std::uint64_t))) {}
  T* get() { return reinterpret_cast<T*>(words_.get()); }
  T* operator->() { return get(); }

 private:
  std::unique_ptr<std::uint64_t[]> words_;
};

NotifiedCall decoded(const seccomp_notif& raw) {
  NotifiedCall call{.id = raw.id,
                    .thread = HostTid{static_cast<pid_t>(raw.pid)},
                    .arch = raw.data.arch,
                    .number = static_cast<std::uint32_t>(raw.data.nr),
                    .args = {},
                    .instruction_pointer = raw.data.instruction_pointer};
  for (std::size_t i = 0; i < call.args.size(); ++i) call.args[i] = raw.data.args[i];
  return call;
}

}  // namespace

Notifier::Notifier(Fd listener, bool synchronous)
    : listener_(std::move(listener)), synchronous_(synchronous) {}

Result<Notifier> Notifier::create(Fd listener) {
  const bool synchronous = ::ioctl(listener.get(), SECCOMP_IOCTL_NOTIF_SET_FLAGS,
                                   SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP) == 0;
  if (!synchronous && errno != EINVAL)  // EINVAL: a kernel before 6.6
    return system_error("set synchronous wake-up of notified calls");
  return Notifier(std::move(listener), synchronous);
}

Result<NotifiedCall> Notifier::receive() const {
  Roomy<seccomp_notif> raw(sizes().notification);
  if (::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_RECV, raw.get()) != 0)
    return notification_error("receive a notified call");
  return decoded(*raw.get());
}

Result<> Notifier::send(std::uint64_t id, std::int64_t value, int error,
                        std::uint32_t flags) const {
  Roomy<seccomp_notif_resp> response(sizes().response);
  response->id = id;
  response->val = value;
  response->error = error;
  response->flags = flags;
  if (::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_SEND, response.get()) != 0)
    return notification_error("answer a notified call");
  return {};
}

Result<> Notifier::answer(std::uint64_t id, std::int64_t value) const {
  return send(id, value, 0, 0);
}

Result<> Notifier::answer_error(std::uint64_t id, int errno_value) const {
  return send(id, 0, -errno_value, 0);
}

Result<> Notifier::answer_continue(std::uint64_t id) const {
  return send(id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

bool Notifier::still_valid(std::uint64_t id) const {
  return ::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

}  // namespace llrun
