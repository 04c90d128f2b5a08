// What is done with open files.
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "netproxy/homefs/direct_io.h"
#include "netproxy/homefs/home_view.h"

namespace llrun::homefs {
namespace {

// One request for copying inside home's kernel may not hold a thread, and with it a freeze, for
// long.
constexpr std::size_t kMaxCopy = std::size_t{64} << 20;

// Does a request at `offset` of a description whose offset is home's mean that offset, or its own?
// The guest's own position lies beyond kHomeOffsetBase since the peer has opened it; what lies
// below was named by pread or pwrite, also when it comes first.
bool means_home_offset(const Description& description, off_t offset) {
  return description.home_offset && offset >= kHomeOffsetBase;
}

// With O_APPEND the guest's kernel puts the end of the file in place of its position
// (fs/read_write.c: generic_write_checks). At home such a write moves the offset, too.
bool appends_as_home(const Description& description, const fuse_file_info& file) {
  return description.home_offset && (file.flags & description.flags & O_APPEND) != 0;
}

// A read of the page cache (a page fault of a private mapping) has no lock owner; one by a program
// has (fs/fuse/file.c: fuse_send_read).
bool is_page_read(const fuse_file_info& file) { return file.lock_owner == 0; }

ssize_t read_data(Description& description, void* data, std::size_t size, off_t offset,
                  const fuse_file_info& file) {
  if (is_page_read(file)) return read_page(description, data, size, offset);
  follow_guest(description, file.flags);
  const int fd = description.fd.get();
  const auto read = [&](void* into) {
    return means_home_offset(description, offset) ? ::read(fd, into, size)
                                                  : ::pread(fd, into, size, offset);
  };
  return is_direct(fd) ? through_aligned(data, size, true, read) : read(data);
}

void read_file(fuse_req_t request, fuse_ino_t, std::size_t size, off_t offset,
               fuse_file_info* file) {
  const auto description = description_for(request, file);
  if (!description) return;
  Frame reply(kDataOffset + size);
  auto* data = reply.data() + kDataOffset;
  const auto count = read_data(*description, data, size, offset, *file);
  if (count < 0) return reply_outcome(request, true);
  if (description->use) description->use->read += static_cast<std::uint64_t>(count);
  reply_data(request, std::move(reply), static_cast<std::size_t>(count));
}

ssize_t write_bytes(Description& description, const iovec& data, off_t offset,
                    const fuse_file_info& file) {
  if (means_home_offset(description, offset) || appends_as_home(description, file))
    return ::write(description.fd.get(), data.iov_base, data.iov_len);
  // The guest may have changed O_APPEND since the open: its flags come with each request.
  if ((file.flags & O_APPEND) != 0)
    return ::pwritev2(description.fd.get(), &data, 1, offset, RWF_APPEND);
  if ((description.flags & O_APPEND) != 0)
    return write_page(description, data.iov_base, data.iov_len, offset);
  return ::pwrite(description.fd.get(), data.iov_base, data.iov_len, offset);
}

ssize_t write_data(Description& description, const iovec& data, off_t offset,
                   const fuse_file_info& file) {
  if (file.writepage != 0) return write_page(description, data.iov_base, data.iov_len, offset);
  follow_guest(description, file.flags);
  if (!is_direct(description.fd.get())) return write_bytes(description, data, offset, file);
  return through_aligned(data.iov_base, data.iov_len, false, [&](void* aligned) {
    return write_bytes(description, iovec{aligned, data.iov_len}, offset, file);
  });
}

void write_file(fuse_req_t request, fuse_ino_t, const char* bytes, std::size_t size, off_t offset,
                fuse_file_info* file) {
  const auto description = description_for(request, file);
  if (!description) return;
  const iovec data{const_cast<char*>(bytes), size};
  const auto count = write_data(*description, data, offset, *file);
  if (count < 0) return reply_outcome(request, true);
  if (description->use) description->use->written += static_cast<std::uint64_t>(count);
  fuse_reply_write(request, static_cast<std::size_t>(count));
}

// A descriptor of the guest's closes. Network filesystems report late errors at a close, so make
// one.
void flush_file(fuse_req_t request, fuse_ino_t, fuse_file_info* file) {
  if (const auto description = description_for(request, file))
    reply_outcome(request, ::close(::dup(description->fd.get())) != 0);
}

void sync_file(fuse_req_t request, fuse_ino_t, int data_only, fuse_file_info* file) {
  const auto description = description_for(request, file);
  if (!description) return;
  const int fd = description->fd.get();
  reply_outcome(request, (data_only != 0 ? ::fdatasync(fd) : ::fsync(fd)) != 0);
}

void allocate(fuse_req_t request, fuse_ino_t, int mode, off_t offset, off_t length,
              fuse_file_info* file) {
  if (const auto description = description_for(request, file))
    reply_outcome(request, ::fallocate(description->fd.get(), mode, offset, length) != 0);
}

// SEEK_DATA and SEEK_HOLE; the others the guest's kernel does by itself.
void seek_file(fuse_req_t request, fuse_ino_t, off_t offset, int whence, fuse_file_info* file) {
  const auto description = description_for(request, file);
  if (!description) return;
  if (whence != SEEK_DATA && whence != SEEK_HOLE)
    return static_cast<void>(fuse_reply_err(request, EINVAL));
  Fd own;  // so that an offset that is shared does not move
  if (description->home_offset)
    own = Fd(::open(FdName(description->fd.get()).c_str(), O_RDONLY | O_CLOEXEC));
  const off_t found =
      ::lseek(description->home_offset ? own.get() : description->fd.get(), offset, whence);
  if (found < 0) return reply_outcome(request, true);
  fuse_reply_lseek(request, found);
}

void copy_range(fuse_req_t request, fuse_ino_t, off_t from_offset, fuse_file_info* from_file,
                fuse_ino_t, off_t to_offset, fuse_file_info* to_file, std::size_t length,
                int flags) {
  const auto from = description_for(request, from_file);
  if (!from) return;
  const auto to = description_for(request, to_file);
  if (!to) return;
  const auto count = ::copy_file_range(from->fd.get(), &from_offset, to->fd.get(), &to_offset,
                                       std::min(length, kMaxCopy), static_cast<unsigned>(flags));
  if (count < 0) return reply_outcome(request, true);
  if (from->use) from->use->read += static_cast<std::uint64_t>(count);
  if (to->use) to->use->written += static_cast<std::uint64_t>(count);
  fuse_reply_write(request, static_cast<std::size_t>(count));
}

void control(fuse_req_t request, fuse_ino_t, unsigned command, void*, fuse_file_info* file,
             unsigned, const void*, std::size_t, std::size_t room) {
  if (command != kIocDescription || room < sizeof(DescriptionAnswer))
    return static_cast<void>(fuse_reply_err(request, ENOTTY));
  const auto description = description_for(request, file);
  if (!description) return;
  const DescriptionAnswer answer{.server = view_of(request).options().token,
                                 .id = description->id,
                                 .home_offset = description->home_offset ? 1U : 0U,
                                 .reserved = 0};
  fuse_reply_ioctl(request, 0, &answer, sizeof answer);
}

}  // namespace

void add_file_operations(fuse_lowlevel_ops& operations) {
  operations.read = read_file;
  operations.write = write_file;
  operations.flush = flush_file;
  operations.fsync = sync_file;
  operations.fallocate = allocate;
  operations.lseek = seek_file;
  operations.copy_file_range = copy_range;
  operations.ioctl = control;
}

}  // namespace llrun::homefs
