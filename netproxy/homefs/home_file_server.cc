#include "netproxy/homefs/home_file_server.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/log.h"
#include "base/unasked.h"
#include "netproxy/homefs/frame_check.h"
#include "netproxy/homefs/fuse_session.h"
#include "netproxy/homefs/gate.h"
#include "netproxy/homefs/home_view.h"
#include "netproxy/homefs/request_queue.h"
#include "netproxy/homefs/workers.h"

namespace llrun::homefs {

class HomeFileServer::Impl : public std::enable_shared_from_this<HomeFileServer::Impl> {
 public:
  Impl(Options options, Events events)
      : gate_(std::make_shared<Gate>()),
        queue_(std::exchange(events.has_room, {})),
        view_(std::move(options), gated(std::move(events))),
        workers_(queue_, {std::max(1U, view_.options().workers), view_.options().most_workers},
                 [this](RequestQueue::Work work) { deal(std::move(work)); }) {}

  Result<> start();
  void end();
  Result<> submit(Frame request);
  void look_for_room();
  bool look(std::function<void()> at_files);
  Result<DescriptionId> add_description(Fd fd, Offset offset);
  Result<std::string> arm(DescriptionId id, const std::string& path);
  Result<Fd> description_of(DescriptionId id) const;
  Result<Fd> description_of_file(ino_t number, const std::string& path) const;

  std::shared_ptr<Gate> gate_;
  RequestQueue queue_;
  HomeView view_;

 private:
  Events gated(Events events) const;
  Result<> submit_init(Frame& request);
  Result<FileKey> directory_of(const std::filesystem::path& path) const;
  void deal(RequestQueue::Work work);

  std::unique_ptr<FuseSession> session_;
  bool init_seen_ = false;
  Workers workers_;
};

namespace {

// How long the end waits for requests under way, which are short unless a filesystem does not
// answer.
constexpr std::chrono::milliseconds kEndPatience{500};

// The program's limit of file sizes is its guest's kernel's, or its shadow's, to enforce. What this
// process has inherited of it (a shell's ulimit -f, which the program may have raised) is none of
// its files' business.
void lift_size_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_FSIZE, &limit);
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
  lift_size_limit();
  const auto& root = view_.options().root;
  LLRUN_TRY_ASSIGN(Fd path, open_file(root, O_PATH | O_DIRECTORY));
  LLRUN_TRY_ASSIGN(const struct stat attributes, stat_unasked(path.get(), ""));
  view_.inodes.set_root(std::move(path), attributes);
  LLRUN_TRY_ASSIGN(session_, FuseSession::create(view_));
  workers_.look_after(shared_from_this());
  return {};
}

HomeFileServer::Events HomeFileServer::Impl::gated(Events events) const {
  Events gated;
  gated.send = [gate = gate_, send = std::move(events.send)](Frame frame) {
    gate->pass([&] { send(std::move(frame)); });
  };
  if (events.on_release)
    gated.on_release = [gate = gate_, tell = std::move(events.on_release)](DescriptionId id) {
      gate->pass([&] { tell(id); });
    };
  return gated;
}

void HomeFileServer::Impl::end() {
  queue_.close();
  if (!workers_.wait_for_end(kEndPatience))
    log::warn("a file of home's is still waited for; nobody is told any more what comes of it");
  gate_->close();
}

void HomeFileServer::Impl::deal(RequestQueue::Work work) {
  if (auto* frame = std::get_if<Frame>(&work)) return session_->process(*frame);
  std::get<RequestQueue::Look>(work)();
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
  workers_.look_after(shared_from_this());
  return {};
}

void HomeFileServer::Impl::look_for_room() {
  queue_.look_for_room();
  workers_.look_after(shared_from_this());
}

bool HomeFileServer::Impl::look(std::function<void()> at_files) {
  if (!queue_.push(RequestQueue::Look(std::move(at_files)))) return false;
  workers_.look_after(shared_from_this());
  return true;
}

// On this thread, so that what is agreed on is known before any worker can look.
Result<> HomeFileServer::Impl::submit_init(Frame& request) {
  init_seen_ = true;
  session_->process(request);
  return {};
}

Result<DescriptionId> HomeFileServer::Impl::add_description(Fd fd, Offset offset) {
  LLRUN_TRY_ASSIGN(const struct stat attributes, stat_unasked(fd.get(), ""));
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
  LLRUN_TRY_ASSIGN(const struct stat attributes, stat_unasked(fd.get(), ""));
  return key_of(attributes);
}

Result<std::string> HomeFileServer::Impl::arm(DescriptionId id, const std::string& path) {
  const auto description = view_.descriptions.find(id);
  if (!description || description->open.load())
    return failure(ErrorCode::kInvalid, "file view: arm a description that is not there");
  LLRUN_TRY_ASSIGN(const struct stat file, stat_unasked(description->fd.get(), ""));
  // The root has no directory in which it could be looked up: the guest's kernel has it already,
  // and takes no other name for it (fs/fuse/dir.c, fuse_lookup).
  if (const auto root = view_.inodes.find(InodeTable::kRoot); root && root->key == key_of(file)) {
    view_.descriptions.arm({id, {}, {}, root->key});
    return std::string("/");
  }
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

// Which of several files of the same number: the one that was seen last by the name in question.
bool was_seen_as(Inode& inode, const std::string& name) {
  const std::lock_guard lock(inode.place_mutex);
  return inode.name == name;
}

Result<Fd> HomeFileServer::Impl::description_of_file(ino_t number, const std::string& path) const {
  constexpr std::string_view kDeleted = " (deleted)";
  auto found = view_.descriptions.open_of(number);
  const bool one_file = std::ranges::all_of(
      found, [&](const auto& it) { return it->inode->key == found.front()->inode->key; });
  std::string name = std::filesystem::path(path).filename();
  if (name.ends_with(kDeleted)) name.resize(name.size() - kDeleted.size());
  if (!one_file)
    std::erase_if(found, [&](const auto& it) { return !was_seen_as(*it->inode, name); });
  if (found.empty()) return failure(ErrorCode::kGone, "the guest has no such file open: " + path);
  return found.front()->fd.duplicate();
}

HomeFileServer::HomeFileServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
HomeFileServer::~HomeFileServer() { impl_->end(); }

Result<std::unique_ptr<HomeFileServer>> HomeFileServer::start(Options options, Events events) {
  auto impl = std::make_shared<Impl>(std::move(options), std::move(events));
  LLRUN_TRY(impl->start());
  return std::unique_ptr<HomeFileServer>(new HomeFileServer(std::move(impl)));
}

Result<> HomeFileServer::submit(Frame request) { return impl_->submit(std::move(request)); }
void HomeFileServer::look_for_room() { impl_->look_for_room(); }
std::size_t HomeFileServer::pending() const { return impl_->queue_.pending(); }

Result<DescriptionId> HomeFileServer::add_description(Fd description, Offset offset) {
  return impl_->add_description(std::move(description), offset);
}
Result<std::string> HomeFileServer::arm(DescriptionId id, const std::string& path) {
  return impl_->arm(id, path);
}
void HomeFileServer::arm(DescriptionId id, const std::string& path,
                         std::function<void(const Result<std::string>&)> then) {
  look([impl = impl_.get(), id, path, then = std::move(then)]() -> std::function<void()> {
    return [then, armed = impl->arm(id, path)] { then(armed); };
  });
}
void HomeFileServer::look(std::function<std::function<void()>()> at_files) {
  const bool queued = impl_->look([gate = impl_->gate_, at_files = std::move(at_files)] {
    const auto tell = at_files();
    gate->pass(tell);
  });
  if (!queued) log::error("far too many looks at files are waiting: one is dropped");
}
Result<Fd> HomeFileServer::description_of(DescriptionId id) const {
  return impl_->description_of(id);
}
Result<Fd> HomeFileServer::description_of_file(ino_t number, const std::string& path) const {
  return impl_->description_of_file(number, path);
}
void HomeFileServer::drop_description(DescriptionId id) { impl_->view_.descriptions.remove(id); }

}  // namespace llrun::homefs
