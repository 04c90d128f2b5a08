#include "netproxy/homefs/direct_io.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "netproxy/homefs/home_view.h"

#ifndef RWF_NOAPPEND
#define RWF_NOAPPEND 0x00000020  // Linux 6.9, uapi/linux/fs.h
#endif

namespace llrun::homefs {
namespace {

// No device asks for more: block sizes above a page are not mounted (open(2), NOTES).
constexpr std::size_t kAlignment = 4096;

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

// A description of the same file with neither O_APPEND nor O_DIRECT, made when it is first needed.
// -1: errno.
int positional(Description& description) {
  const std::lock_guard lock(description.positional_mutex);
  if (!description.positional.valid()) {
    const int access = description.flags & O_ACCMODE;
    description.positional = Fd(::open(FdName(description.fd.get()).c_str(), access | O_CLOEXEC));
  }
  return description.positional.get();
}

}  // namespace

bool is_direct(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  return flags >= 0 && (flags & O_DIRECT) != 0;
}

void follow_guest(const Description& description, int flags) {
  if (description.home_offset) return;
  const int now = ::fcntl(description.fd.get(), F_GETFL);
  if (now >= 0 && ((now ^ flags) & O_DIRECT) != 0)
    ::fcntl(description.fd.get(), F_SETFL, (now & ~O_DIRECT) | (flags & O_DIRECT));
}

ssize_t through_aligned(void* data, std::size_t size, bool reads,
                        const std::function<ssize_t(void* aligned)>& work) {
  const std::size_t room = (size + kAlignment - 1) / kAlignment * kAlignment;
  const std::unique_ptr<void, Free> aligned(
      std::aligned_alloc(kAlignment, room == 0 ? kAlignment : room));
  if (!aligned) {
    errno = ENOMEM;
    return -1;
  }
  if (!reads) std::memcpy(aligned.get(), data, size);
  const ssize_t count = work(aligned.get());
  if (reads && count > 0) std::memcpy(data, aligned.get(), static_cast<std::size_t>(count));
  return count;
}

// Kernels before 6.9 cannot be told not to append, and get a second description.
ssize_t write_page(Description& description, const void* data, std::size_t size, off_t offset) {
  const iovec bytes{const_cast<void*>(data), size};
  if (!is_direct(description.fd.get())) {
    const auto count = ::pwritev2(description.fd.get(), &bytes, 1, offset, RWF_NOAPPEND);
    if (count >= 0 || errno != EOPNOTSUPP) return count;
  }
  const int fd = positional(description);
  return fd < 0 ? -1 : ::pwrite(fd, data, size, offset);
}

ssize_t read_page(Description& description, void* data, std::size_t size, off_t offset) {
  if (!is_direct(description.fd.get())) return ::pread(description.fd.get(), data, size, offset);
  const int fd = positional(description);
  return fd < 0 ? -1 : ::pread(fd, data, size, offset);
}

}  // namespace llrun::homefs
