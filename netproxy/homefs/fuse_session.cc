#include "netproxy/homefs/fuse_session.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace llrun::homefs {
namespace {

// Newer than the headers we build with (include/uapi/linux/fuse.h, Linux 6.6).
constexpr std::uint64_t kDirectIoAllowMmap = std::uint64_t{1} << 36;

// What this version of libfuse cannot ask for and the guest's kernel should do all the same.
// - PARALLEL_DIROPS: libfuse 3.14 takes the wish for it and forgets to say it.
// - HANDLE_KILLPRIV_V2: home's kernel takes set-id bits away itself; without this the guest's asks
// for
//   security.capability before each single write.
// - DIRECT_IO_ALLOW_MMAP: files that must not be cached can be mapped shared all the same.
constexpr std::uint64_t kAlsoWanted =
    FUSE_INIT_EXT | FUSE_PARALLEL_DIROPS | FUSE_HANDLE_KILLPRIV_V2 | kDirectIoAllowMmap;

thread_local std::uint64_t init_offer = 0;   // flags of the INIT being processed on this thread
thread_local std::uint64_t init_unique = 0;  // its id; 0: none

// libfuse sets what it knows to be good; this is what differs.
void agree(void*, fuse_conn_info* connection) {
  const auto want = [connection](unsigned capability, bool on) {
    connection->want &= ~capability;
    if (on) connection->want |= connection->capable & capability;
  };
  want(FUSE_CAP_DONT_MASK, true);         // umask: see entry_operations.cc
  want(FUSE_CAP_CACHE_SYMLINKS, true);    // a symbolic link never changes
  want(FUSE_CAP_WRITEBACK_CACHE, false);  // when write(2) returns, the bytes are at home
  want(FUSE_CAP_POSIX_LOCKS, false);      // locks are not the file view's: docs/file-view.md
  want(FUSE_CAP_FLOCK_LOCKS, false);
  connection->max_write = kMaxData;
  connection->max_background = 64;  // the guest's kernel may allow less
  connection->time_gran = 1;
}

fuse_lowlevel_ops all_operations() {
  fuse_lowlevel_ops operations{};
  operations.init = agree;
  add_entry_operations(operations);
  add_attribute_operations(operations);
  add_xattr_operations(operations);
  add_open_operations(operations);
  add_file_operations(operations);
  add_directory_operations(operations);
  return operations;
}

Frame join(const iovec* parts, int count) {
  std::size_t size = 0;
  for (int i = 0; i < count; ++i) size += parts[i].iov_len;
  Frame frame(size);
  auto* to = frame.data();
  for (int i = 0; i < count; to += parts[i++].iov_len)
    std::memcpy(to, parts[i].iov_base, parts[i].iov_len);
  return frame;
}

Frame frame_of(const iovec* parts, int count) {
  if (count == 2) {
    if (Frame ready = take_reply_frame(parts[1].iov_base); !ready.empty()) {
      std::memcpy(ready.data(), parts[0].iov_base, kDataOffset);
      return ready;
    }
  }
  return join(parts, count);
}

void note_offer(std::span<const std::byte> request) {
  fuse_in_header header;
  std::memcpy(&header, request.data(), sizeof header);
  if (header.opcode != FUSE_INIT) return;
  fuse_init_in init{};
  const auto body = request.subspan(sizeof header);
  std::memcpy(&init, body.data(), std::min(body.size(), sizeof init));
  init_unique = header.unique;
  init_offer = init.flags | (init.flags & FUSE_INIT_EXT ? std::uint64_t{init.flags2} << 32 : 0);
}

void complete_init_reply(std::span<std::byte> reply) {
  fuse_out_header header;
  fuse_init_out init;
  if (reply.size() < sizeof header + sizeof init) return;
  std::memcpy(&header, reply.data(), sizeof header);
  if (header.unique != init_unique || header.error != 0) return;
  std::memcpy(&init, reply.data() + sizeof header, sizeof init);
  const auto extra = kAlsoWanted & init_offer;
  init.flags |= static_cast<std::uint32_t>(extra);
  if ((init.flags & FUSE_INIT_EXT) != 0) init.flags2 |= static_cast<std::uint32_t>(extra >> 32);
  std::memcpy(reply.data() + sizeof header, &init, sizeof init);
}

// Frames are processed where they are, never read through libfuse.
ssize_t read_nothing(int, void*, std::size_t, void*) {
  errno = ENODEV;
  return -1;
}

}  // namespace

static_assert(sizeof(fuse_out_header) == kDataOffset);

Result<std::unique_ptr<FuseSession>> FuseSession::create(HomeView& view) {
  std::unique_ptr<FuseSession> self(new FuseSession);
  char name[] = "llrun";
  char* arguments[] = {name, nullptr};
  fuse_args args = FUSE_ARGS_INIT(1, arguments);
  const auto operations = all_operations();
  self->session_ = fuse_session_new(&args, &operations, sizeof operations, &view);
  fuse_opt_free_args(&args);
  if (self->session_ == nullptr) return failure(ErrorCode::kUnsupported, "make a libfuse session");
  const fuse_custom_io io{
      .writev = send, .read = read_nothing, .splice_receive = nullptr, .splice_send = nullptr};
  LLRUN_TRY_ASSIGN(Fd unused, open_file("/dev/null", O_RDWR));  // the session wants one to close
  if (const int error = fuse_session_custom_io(self->session_, &io, unused.get()); error != 0)
    return system_error("give a libfuse session its frames", -error);
  static_cast<void>(unused.release());
  view.session = self->session_;
  return self;
}

FuseSession::~FuseSession() {
  if (session_ != nullptr) fuse_session_destroy(session_);
}

void FuseSession::process(std::span<std::byte> request) {
  note_offer(request);
  const fuse_buf buffer{
      .size = request.size(), .flags = {}, .mem = request.data(), .fd = -1, .pos = 0};
  fuse_session_process_buf(session_, &buffer);
  init_unique = 0;
}

ssize_t FuseSession::send(int, iovec* parts, int count, void* user) {
  auto& view = *static_cast<HomeView*>(user);
  auto frame = frame_of(parts, count);
  const auto size = static_cast<ssize_t>(frame.size());
  if (init_unique != 0) complete_init_reply(frame);
  view.events().send(std::move(frame));
  return size;
}

}  // namespace llrun::homefs
