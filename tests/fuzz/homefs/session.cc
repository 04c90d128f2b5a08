#include "tests/fuzz/homefs/session.h"

#ifndef FUSE_USE_VERSION
#define FUSE_USE_VERSION 314
#endif
#include <fcntl.h>
#include <fuse3/fuse_lowlevel.h>
#include <linux/fuse.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <span>

#include "netproxy/homefs/frame.h"
#include "netproxy/homefs/frame_check.h"

namespace llrun::homefs::fuzzing {
namespace {

volatile unsigned sink;  // so that nothing read is optimised away

void read_bytes(const void* data, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) sink = sink + static_cast<const unsigned char*>(data)[i];
}
void read_text(const char* text) { read_bytes(text, std::strlen(text)); }
void no(fuse_req_t request) { fuse_reply_err(request, ENOENT); }

fuse_lowlevel_ops reading_operations() {
  fuse_lowlevel_ops o{};
  o.lookup = [](fuse_req_t r, fuse_ino_t, const char* n) { read_text(n), no(r); };
  o.unlink = o.rmdir = o.lookup;
  o.forget_multi = [](fuse_req_t r, std::size_t count, fuse_forget_data* all) {
    read_bytes(all, count * sizeof *all);
    fuse_reply_none(r);
  };
  o.setattr = [](fuse_req_t r, fuse_ino_t, struct stat* s, int, fuse_file_info*) {
    read_bytes(s, sizeof *s), no(r);
  };
  o.mknod = [](fuse_req_t r, fuse_ino_t, const char* n, mode_t, dev_t) { read_text(n), no(r); };
  o.mkdir = [](fuse_req_t r, fuse_ino_t, const char* n, mode_t) { read_text(n), no(r); };
  o.symlink = [](fuse_req_t r, const char* t, fuse_ino_t, const char* n) {
    read_text(t), read_text(n), no(r);
  };
  o.rename = [](fuse_req_t r, fuse_ino_t, const char* a, fuse_ino_t, const char* b, unsigned) {
    read_text(a), read_text(b), no(r);
  };
  o.link = [](fuse_req_t r, fuse_ino_t, fuse_ino_t, const char* n) { read_text(n), no(r); };
  o.create = [](fuse_req_t r, fuse_ino_t, const char* n, mode_t, fuse_file_info*) {
    read_text(n), no(r);
  };
  o.write = [](fuse_req_t r, fuse_ino_t, const char* data, std::size_t size, off_t,
               fuse_file_info*) { read_bytes(data, size), no(r); };
  o.setxattr = [](fuse_req_t r, fuse_ino_t, const char* n, const char* value, std::size_t size,
                  int) { read_text(n), read_bytes(value, size), no(r); };
  o.getxattr = [](fuse_req_t r, fuse_ino_t, const char* n, std::size_t size) {
    read_text(n);
    if (size > (64U << 10)) std::abort();
    no(r);
  };
  o.removexattr = [](fuse_req_t r, fuse_ino_t, const char* n) { read_text(n), no(r); };
  o.read = [](fuse_req_t r, fuse_ino_t, std::size_t size, off_t, fuse_file_info*) {
    if (size > kMaxData) std::abort();
    no(r);
  };
  o.readdir = o.readdirplus = o.read;
  o.ioctl = [](fuse_req_t r, fuse_ino_t, unsigned, void*, fuse_file_info*, unsigned,
               const void* data, std::size_t size, std::size_t) { read_bytes(data, size), no(r); };
  return o;
}

class Session {
 public:
  Session() {
    char name[] = "fuzz";
    char* arguments[] = {name, nullptr};
    fuse_args args = FUSE_ARGS_INIT(1, arguments);
    const auto operations = reading_operations();
    session_ = fuse_session_new(&args, &operations, sizeof operations, nullptr);
    fuse_opt_free_args(&args);
    fuse_custom_io io{};
    io.writev = [](int, iovec* parts, int count, void*) {
      ssize_t size = 0;
      for (int i = 0; i < count; ++i) {
        read_bytes(parts[i].iov_base, parts[i].iov_len);
        size += static_cast<ssize_t>(parts[i].iov_len);
      }
      return size;
    };
    io.read = [](int, void*, std::size_t, void*) -> ssize_t { return -1; };
    if (session_ == nullptr ||
        fuse_session_custom_io(session_, &io, ::open("/dev/null", O_RDWR)) != 0)
      std::abort();
    begin();
  }
  ~Session() { fuse_session_destroy(session_); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void process(std::span<std::uint8_t> frame) {
    fuse_buf buffer{};
    buffer.mem = frame.data();
    buffer.size = frame.size();
    fuse_session_process_buf(session_, &buffer);
  }

 private:
  void begin() {
    struct {
      fuse_in_header header;
      fuse_init_in init;
    } frame{};
    frame.header.len = sizeof frame;
    frame.header.opcode = FUSE_INIT;
    frame.init.major = FUSE_KERNEL_VERSION;
    frame.init.minor = FUSE_KERNEL_MINOR_VERSION;
    frame.init.flags = FUSE_BIG_WRITES | FUSE_DO_READDIRPLUS | FUSE_MAX_PAGES | FUSE_INIT_EXT;
    process({reinterpret_cast<std::uint8_t*>(&frame), sizeof frame});
  }
  fuse_session* session_ = nullptr;
};

// Room for the largest frame, with an unreadable page behind it.
class GuardedRoom {
 public:
  GuardedRoom() {
    void* all =
        ::mmap(nullptr, kRoom + kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED) std::abort();
    end_ = static_cast<std::uint8_t*>(all) + kRoom;
    if (::mprotect(end_, kPage, PROT_NONE) != 0) std::abort();
  }
  // 8-byte aligned as a frame of ours is, so up to 7 bytes short of the guard for odd sizes; those
  // bytes are set so that a text running into them does not find its end.
  std::span<std::uint8_t> put(const std::uint8_t* data, std::size_t size) {
    auto* begin = end_ - ((size + 7) & ~std::size_t{7});
    std::memset(end_ - 8, 0xFF, 8);
    std::memcpy(begin, data, size);
    return {begin, size};
  }

 private:
  static constexpr std::size_t kPage = 4096;
  static constexpr std::size_t kRoom = (kMaxFrame + kPage) & ~(kPage - 1);
  std::uint8_t* end_;
};

}  // namespace

bool submit(const std::uint8_t* data, std::size_t size) {
  static GuardedRoom room;
  static Session session;
  const auto checked = check_request(std::as_bytes(std::span(data, size)));
  if (checked.fault != nullptr) return false;
  // A second INIT, and interrupts, the server does not pass on.
  if (checked.opcode == FUSE_INIT || checked.opcode == FUSE_INTERRUPT) return true;
  session.process(room.put(data, size));
  return true;
}

}  // namespace llrun::homefs::fuzzing
