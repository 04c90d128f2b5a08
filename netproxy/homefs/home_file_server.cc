#include "netproxy/homefs/home_file_server.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <thread>
#include <vector>

#include "netproxy/homefs/frame_check.h"
#include "netproxy/homefs/fuse_session.h"
#include "netproxy/homefs/home_view.h"
#include "netproxy/homefs/request_queue.h"

namespace llrun::homefs {

class HomeFileServer::Impl {
 public:
  Impl(Options options, Events events) : view_(std::move(options), std::move(events)) {}
  ~Impl();

  Result<> start();
  Result<> submit(Frame request);
  Result<DescriptionId> add_description(Fd fd, Offset offset);
  Result<std::string> arm(DescriptionId id, const std::string& path);
  Result<Fd> description_of(DescriptionId id) const;

  HomeView view_;
  RequestQueue queue_;

 private:
  Result<> submit_init(Frame& request);
  Result<FileKey> directory_of(const std::filesystem::path& path) const;
  void work();

  std::unique_ptr<FuseSession> session_;
  bool init_seen_ = false;
  std::vector<std::thread> workers_;
};

namespace {

Result<struct stat> attributes_of(int fd) {
  struct stat attributes;
  if (::fstatat(fd, "", &attributes, AT_EMPTY_PATH) != 0) return system_error("fstat");
  return attributes;
}

// Signals are for the process's other threads (SIGXFSZ too: EFBIG tells enough), and a thread's
// umask is its own.
void prepare_worker() {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
  LLRUN_CHECK(::unshare(CLONE_FS) == 0, "a thread with a umask of its own");
}

// The kernel asks no second time after this answer: requests are short, and none is broken off.
Frame interrupt_answer(std::uint64_t unique) {
  const fuse_out_header header{.len = sizeof header, .error = -ENOSYS, .unique = unique};
  Frame frame(sizeof header);
  std::memcpy(frame.data(), &header, sizeof header);
  return frame;
}

}  // namespace

Result<> HomeFileServer::Impl::start() {
  const auto& root = view_.options().root;
  LLRUN_TRY_ASSIGN(Fd path, open_file(root, O_PATH | O_DIRECTORY));
  LLRUN_TRY_ASSIGN(const struct stat attributes, attributes_of(path.get()));
  view_.inodes.set_root(std::move(path), attributes);
  LLRUN_TRY_ASSIGN(session_, FuseSession::create(view_));
  for (unsigned i = 0; i < std::max(1U, view_.options().workers); ++i)
    workers_.emplace_back([this] { work(); });
  return {};
}

HomeFileServer::Impl::~Impl() {
  queue_.close();
  for (auto& worker : workers_) worker.join();
}

void HomeFileServer::Impl::work() {
  prepare_worker();
  while (auto request = queue_.pop()) {
    session_->process(*request);
    queue_.done();
  }
}

Result<> HomeFileServer::Impl::submit(Frame request) {
  const auto checked = check_request(request);
  if (checked.fault != nullptr)
    return failure(ErrorCode::kProtocol, std::string("file view request: ") + checked.fault);
  if ((checked.opcode == FUSE_INIT) == init_seen_)
    return failure(ErrorCode::kProtocol, "file view request: FUSE_INIT out of turn");
  if (checked.opcode == FUSE_INIT) return submit_init(request);
  if (checked.opcode == FUSE_INTERRUPT) {
    view_.events().send(interrupt_answer(checked.unique));
    return {};
  }
  if (!queue_.push(std::move(request)))
    return failure(ErrorCode::kProtocol, "file view request: far too many are waiting");
  return {};
}

// On this thread, so that what is agreed on is known before any worker can look.
Result<> HomeFileServer::Impl::submit_init(Frame& request) {
  init_seen_ = true;
  session_->process(request);
  return {};
}

Result<DescriptionId> HomeFileServer::Impl::add_description(Fd fd, Offset offset) {
  LLRUN_TRY_ASSIGN(const struct stat attributes, attributes_of(fd.get()));
  if (!S_ISREG(attributes.st_mode) && !S_ISDIR(attributes.st_mode))
    return failure(ErrorCode::kUnsupported, "file view: neither a file nor a directory");
  const int flags = ::fcntl(fd.get(), F_GETFL);
  if (flags < 0) return system_error("F_GETFL");
  return view_.descriptions.add(std::move(fd), flags, offset == Offset::kHome)->id;
}

Result<FileKey> HomeFileServer::Impl::directory_of(const std::filesystem::path& path) const {
  const auto below = path.parent_path().relative_path();
  const auto directory = std::filesystem::path(view_.options().root) / below;
  LLRUN_TRY_ASSIGN(Fd fd, open_file(directory, O_PATH | O_DIRECTORY));
  LLRUN_TRY_ASSIGN(const struct stat attributes, attributes_of(fd.get()));
  return key_of(attributes);
}

Result<std::string> HomeFileServer::Impl::arm(DescriptionId id, const std::string& path) {
  const auto description = view_.descriptions.find(id);
  if (!description || description->open.load())
    return failure(ErrorCode::kInvalid, "file view: arm a description that is not there");
  LLRUN_TRY_ASSIGN(const struct stat file, attributes_of(description->fd.get()));
  std::filesystem::path shown = path;
  auto parent = directory_of(shown);
  if (!parent || !shown.has_filename()) {
    shown = "/.llrun-" + std::to_string(id);
    LLRUN_TRY_ASSIGN(parent, directory_of(shown));
  }
  view_.descriptions.arm({id, *parent, shown.filename(), key_of(file)});
  return shown.string();
}

Result<Fd> HomeFileServer::Impl::description_of(DescriptionId id) const {
  const auto description = view_.descriptions.find(id);
  if (!description) return failure(ErrorCode::kGone, "file view: no such description");
  return description->fd.duplicate();
}

HomeFileServer::HomeFileServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HomeFileServer::~HomeFileServer() = default;

Result<std::unique_ptr<HomeFileServer>> HomeFileServer::start(Options options, Events events) {
  auto impl = std::make_unique<Impl>(std::move(options), std::move(events));
  LLRUN_TRY(impl->start());
  return std::unique_ptr<HomeFileServer>(new HomeFileServer(std::move(impl)));
}

Result<> HomeFileServer::submit(Frame request) { return impl_->submit(std::move(request)); }
std::size_t HomeFileServer::pending() const { return impl_->queue_.pending(); }

Result<DescriptionId> HomeFileServer::add_description(Fd description, Offset offset) {
  return impl_->add_description(std::move(description), offset);
}
Result<std::string> HomeFileServer::arm(DescriptionId id, const std::string& path) {
  return impl_->arm(id, path);
}
Result<Fd> HomeFileServer::description_of(DescriptionId id) const {
  return impl_->description_of(id);
}
void HomeFileServer::drop_description(DescriptionId id) { impl_->view_.descriptions.remove(id); }

}  // namespace llrun::homefs
