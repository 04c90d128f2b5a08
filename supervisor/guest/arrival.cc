// GuestJob, the part from the order of a world to the program's first instruction here.
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/seccomp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cstring>
#include <thread>
#include <utility>

#include "base/log.h"
#include "imagefmt/validate.h"
#include "netproxy/homefs/description_ioctl.h"
#include "netproxy/homefs/file_view_mount.h"
#include "supervisor/guest/guest_job.h"
#include "supervisor/guest/oom_score.h"
#include "tracer/filter/filter.h"
#include "tracer/objects/descriptors_restore.h"
#include "tracer/ptrace/ptrace.h"
#include "tracer/remote/raised_limit.h"
#include "tracer/remote/remote_fd.h"
#include "tracer/stub/stub.h"

namespace llrun {
namespace {

using image::Description;
using migration::GuestEvent;
using migration::GuestState;

constexpr std::chrono::seconds kClocksMayBeBehind{2};
// Of these the guest's filter lets it make threads only; whatever else comes is ended.
constexpr unsigned kGuestOptions = PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                                   PTRACE_O_TRACEEXEC | PTRACE_O_TRACESECCOMP |
                                   PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL;

WorldOptions options_for(const protocol::MakeWorld& order) {
  WorldOptions options;
  options.mount_view = [uid = order.uid(), gid = order.gid()](
                           const std::string& mountpoint) -> Result<std::vector<Fd>> {
    homefs::MountOptions mount;
    mount.uid = uid;
    mount.gid = gid;
    LLRUN_TRY_ASSIGN(auto opened, homefs::open_view(mountpoint, mount));
    std::vector<Fd> devices;
    devices.push_back(std::move(opened.requests));
    devices.push_back(std::move(opened.notices));
    return devices;
  };
  return options;
}

// Meet the guest's process at its exec of the stub: empty from there on.
Result<> seize_at_exec(World& world, HostPid pid) {
  const HostTid main{pid.value};
  LLRUN_TRY(tracer::seize(main, kGuestOptions));
  LLRUN_TRY(world.release_guest());
  LLRUN_TRY_ASSIGN(const auto event, tracer::wait_for_stop(main));
  if (!event.is<tracer::ExecEvent>())
    return failure(ErrorCode::kGone, "the guest's process did not start: " + describe(event));
  auto thread = tracer::StoppedThread::seen_stopped(main);
  // Out of the exec, whose return value is still to be written, into the stub's own first system
  // call.
  LLRUN_TRY(tracer::resume(std::move(thread)));
  LLRUN_TRY(tracer::interrupt(main));
  LLRUN_TRY_ASSIGN(const auto stop, tracer::wait_for_stop(main));
  if (!stop.is<tracer::EventStop>())
    return failure(ErrorCode::kGone, "the guest's process did not wait: " + describe(stop));
  return {};
}

}  // namespace

void GuestJob::fail(const std::string& step, const std::string& why) {
  protocol::JobMessage message;
  message.mutable_abort()->set_step(step);
  message.mutable_abort()->set_reason(fmt::format("on the peer, {}", why));
  send(message);
  advance(GuestEvent::kAborted);
  go(step + ": " + why);
}

void GuestJob::give_way() {
  protocol::JobMessage message;
  message.mutable_abort()->set_step("committing");
  message.mutable_abort()->set_reason("on the peer, home's word did not come within the lease");
  send(message);
  advance(GuestEvent::kLeaseOver);
  go("the lease ended before home had given up the program");
}

void GuestJob::make_world(const protocol::MakeWorld& order) {
  if (world_) return;
  order_ = order;
  context_.kept = {order.moves_are_asked(), order.changes_are_asked()};
  traffic_->set_patience(lease(), abandon_time());
  if (auto built = build_world(order); !built)
    return fail("making the world", built.error().message());
  if (!advance(GuestEvent::kWorldMade)) return;
  go_on([this] {
    protocol::JobMessage message;
    message.mutable_entered();
    send(message);
  });
}

Result<> GuestJob::build_world(const protocol::MakeWorld& order) {
  LLRUN_TRY_ASSIGN(world_, World::create(order, options_for(order)));
  protocol::JobMessage ready;
  *ready.mutable_world_ready() = world_->ready();
  send(ready);  // before the first file request: home's server is made by it
  auto devices = world_->take_view_devices();
  if (devices.size() != 2) return failure(ErrorCode::kProtocol, "a world without a file view");
  LLRUN_TRY_ASSIGN(auto handle, world_->handle());
  LLRUN_TRY(
      traffic_->relay_files({std::move(devices[0]), std::move(devices[1])}, std::move(handle)));
  LLRUN_TRY(world_->enter_view());
  LLRUN_TRY(terminals_.make(*world_, order.terminal_path(),
                            {order.other_terminals().begin(), order.other_terminals().end()}));
  LLRUN_TRY_ASSIGN(const Fd stub, tracer::stub_executable_file());
  LLRUN_TRY_ASSIGN(guest_, world_->spawn_guest(stub));
  LLRUN_TRY(seize_at_exec(*world_, guest_->pid));
  go_first_when_memory_is_short();  // what it is filled with counts already
  return {};
}

void GuestJob::lay_out(const image::Process& image) {
  if (state_ != GuestState::kFilling || restorer_) return;
  image_ = image;
  parent_death_signal_ = image.parent_death_signal();
  image_.set_parent_death_signal(0);
  core_limit_ = CoreLimit(image_);
  const HostTid main{guest_->pid.value};
  auto begin = [&]() -> Result<> {
    LLRUN_TRY(validate(image_));
    const GuestTraffic::AwaitingFiles awaiting(*traffic_);
    std::vector<tracer::StoppedThread> threads;
    threads.push_back(tracer::StoppedThread::seen_stopped(main));
    LLRUN_TRY_ASSIGN(const auto site, tracer::find_syscall_site(guest_->pid));
    tracer::RestoreOptions options;
    options.make_threads = true;
    options.set_executable = true;
    options.drop_capabilities = true;
    options.files.path_inside = [this](std::uint64_t id, const std::string& path) {
      return traffic_->arm(id, path);
    };
    options.before_release = [this](tracer::RemoteSyscalls& calls, tracer::RemoteArena arena) {
      return furnish(calls, arena);
    };
    restorer_.emplace(image_, tracer::ThreadSet::of_stopped(guest_->pid, std::move(threads)),
                      std::move(options));
    return restorer_->lay_out(site, std::nullopt);
  };
  if (auto begun = begin(); !begun) return fail("laying out memory", begun.error().message());
  protocol::JobMessage message;
  message.mutable_mapped();
  send(message);
}

void GuestJob::on_pages(std::uint64_t address, const std::string& bytes) {
  if (holds_->holds_back(kPagesPoint))
    return holds_->keep(kPagesPoint, [this, address, bytes] { take_pages(address, bytes); });
  take_pages(address, bytes);
}

void GuestJob::take_pages(std::uint64_t address, const std::string& bytes) {
  if (state_ != GuestState::kFilling || !restorer_) return;
  auto landed = restorer_->land({address}, std::as_bytes(std::span(bytes)));
  if (!landed) return fail("filling memory", landed.error().message());
  pages_landed_ += bytes.size() / wire::kPageSize;
  traffic_->link().landed(bytes.size());
}

void GuestJob::complete(const protocol::PagesEnd& end) {
  if (state_ != GuestState::kFilling || !restorer_) return;
  if (end.pages() != pages_landed_)
    return fail("filling memory",
                fmt::format("{} pages were sent and {} have come", end.pages(), pages_landed_));
  auto finish = [&]() -> Result<> {
    const GuestTraffic::AwaitingFiles awaiting(*traffic_);
    for (const auto& range : end.ranges()) LLRUN_TRY(restorer_->land_range(range));
    LLRUN_TRY(restorer_->finish());
    const auto ids = restorer_->threads();
    stub_ = restorer_->stub();
    auto sleeps = restorer_->take_sleeps();
    LLRUN_TRY_ASSIGN(auto threads, restorer_->release(false));
    restorer_.reset();
    go_first_when_memory_is_short();
    LLRUN_TRY(wait_for_clocks());
    LLRUN_TRY(take_over(std::move(threads), ids));
    tracee_->know_sleeps(std::move(sleeps));
    return {};
  };
  if (auto finished = finish(); !finished)
    return fail("completing the program", finished.error().message());
  if (!advance(GuestEvent::kFilled)) return;
  traffic_->filled();
  commit_until_ = BootClock::now() + lease();
  go_on([this] {
    commit_until_ = BootClock::now() + lease();
    protocol::JobMessage message;
    message.mutable_restored();
    send(message);
  });
}

// The program's own has been put in place, which others of this node may have, too.
void GuestJob::go_first_when_memory_is_short() const {
  const auto score = oom_score_of_guest(image_.oom_score_adjustment(), supervisors_oom_score());
  if (const auto set = set_oom_score(guest_->pid, score); !set)
    log::warn("the guest is not the first to go when memory is short: {}", set.error().message());
}

// No clock of the program's may go back. They are a little behind home's at the most, unless this
// node has slept since home asked: then the program is better off there.
Result<> GuestJob::wait_for_clocks() const {
  const auto left =
      world_->until_clocks_show(static_cast<std::int64_t>(image_.monotonic_offset_ns()),
                                static_cast<std::int64_t>(image_.boot_offset_ns()));
  if (left > kClocksMayBeBehind)
    return failure(ErrorCode::kRefused,
                   fmt::format("the clocks of the world are {:.1f} s behind home's, since this "
                               "node has slept: ask again",
                               std::chrono::duration<double>(left).count()));
  std::this_thread::sleep_for(left);
  return {};
}

// In the guest's main thread, when everything but registers is in place: descriptors, and last of
// all the filter.
Result<> GuestJob::furnish(tracer::RemoteSyscalls& calls, tracer::RemoteArena arena) {
  const tracer::RaisedLimit room(guest_->pid, RLIMIT_NOFILE);
  LLRUN_TRY(place_descriptors(calls, arena));
  for (const auto& descriptor : image_.descriptors()) {
    const Description& description =
        image_.descriptions(static_cast<int>(descriptor.description()));
    const bool terminal = description.kind() == Description::KIND_TERMINAL;
    if (terminal) context_.home.terminals.push_back(descriptor.number());
    if (terminal || description.kind() == Description::KIND_PIPE_IN)
      context_.home.input.push_back(descriptor.number());
    if (description.offset_at_home()) context_.home.offsets.push_back(descriptor.number());
  }
  context_.self = GuestPid{image_.pid()};
  const auto page = restorer_->stub()->range();
  LLRUN_TRY_ASSIGN(auto filter,
                   build_filter({context_, StubCode{page.start.value, page.end.value}}));
  LLRUN_TRY_ASSIGN(const auto code, arena.put(std::as_bytes(std::span(filter))));
  struct sock_fprog program {};
  program.len = static_cast<unsigned short>(filter.size());
  program.filter = reinterpret_cast<sock_filter*>(code.value);
  LLRUN_TRY_ASSIGN(const auto place, arena.put_value(program));
  constexpr unsigned kFlags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC |
                              SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
  LLRUN_TRY_ASSIGN(const auto number,
                   calls.call(SYS_seccomp, SECCOMP_SET_MODE_FILTER, kFlags, place));
  LLRUN_TRY_ASSIGN(listener_, tracer::take_fd(guest_->pidfd, RemoteFd{static_cast<int>(number)}));
  LLRUN_TRY(calls.call(SYS_close, number));
  // No clock of the program's may go back; nor may a sleep, which begins again from here on, end
  // before its time by such a clock.
  std::this_thread::sleep_for(
      world_->until_clocks_show(static_cast<std::int64_t>(image_.monotonic_offset_ns()),
                                static_cast<std::int64_t>(image_.boot_offset_ns())));
  return {};
}

// Files are opened inside, by names that home has armed for it; pipes and terminals of home get
// stand-ins.
Result<> GuestJob::place_descriptors(tracer::RemoteSyscalls& calls, tracer::RemoteArena arena) {
  image::Process process = image_;
  for (Description& description : *process.mutable_descriptions())
    if (description.offset_at_home()) {
      // This position tells home's server to use home's own offset (homefs::kHomeOffsetBase).
      description.set_offset_at_home(false);
      description.set_offset(homefs::kHomeOffsetBase);
    } else if (terminals_.opens_by_itself(description)) {
      description.set_kind(Description::KIND_DEVICE);
    }
  LLRUN_TRY(terminals_.expect(*world_, image_, traffic_->streams()));
  tracer::DescriptorSources sources;
  sources.path_inside = [this](const Description& description) -> Result<std::string> {
    if (description.kind() == Description::KIND_DEVICE) return description.path();
    return traffic_->arm(description.home_id(), description.path());
  };
  sources.fd_for = [this](const Description& description) { return stand_in(description); };
  LLRUN_TRY(tracer::restore_descriptors(calls, arena, process, sources));
  LLRUN_TRY(check_descriptions());
  terminals_.let_go_of_masters();
  return {};
}

// Each must be the very description that home meant, not a file of the same name.
Result<> GuestJob::check_descriptions() {
  for (const auto& description : image_.descriptions()) {
    const bool file = description.kind() == Description::KIND_FILE ||
                      description.kind() == Description::KIND_DIRECTORY;
    if (!file && !terminals_.opens_by_itself(description)) continue;
    LLRUN_TRY_ASSIGN(const Fd duplicate,
                     tracer::take_fd(guest_->pidfd, RemoteFd{description.representative_fd()}));
    if (!file) {
      LLRUN_TRY(terminals_.note_end(description, duplicate));
      continue;
    }
    LLRUN_TRY_ASSIGN(const auto answer, homefs::describe(duplicate.get()));
    if (answer.id != description.home_id())
      return failure(ErrorCode::kProtocol,
                     "another file was opened in place of " + description.path());
  }
  return {};
}

Result<Fd> GuestJob::stand_in(const Description& description) {
  const auto stream = static_cast<std::uint32_t>(description.home_id());
  switch (description.kind()) {
    case Description::KIND_PIPE_OUT:
      return traffic_->streams().add_output_pipe(stream);
    case Description::KIND_PIPE_IN:
      return traffic_->streams().add_input_pipe(stream);
    case Description::KIND_TERMINAL:
      return terminals_.stand_in(description);
    default:
      return failure(ErrorCode::kUnsupported, "no stand-in for " + description.path());
  }
}

Result<> GuestJob::take_over(tracer::ThreadSet threads, const std::map<GuestTid, HostTid>& ids) {
  tracee_ = std::make_unique<Tracee>(
      guest_->pid, *world_,
      Tracee::Callbacks{[this](GuestTid creator) {
                          protocol::JobMessage message;
                          message.mutable_thread_wanted()->set_creator(creator.value);
                          send(message);
                        },
                        [this](GuestTid ended) {
                          protocol::JobMessage message;
                          message.mutable_thread_ended()->set_tid(ended.value);
                          send(message);
                        },
                        [this](int signal) {
                          protocol::JobMessage message;
                          message.mutable_group_stopped()->set_signal(signal);
                          send(message);
                        },
                        [this](int status) { on_guest_ended(status); },
                        [this](std::string reason) { leave_later(std::move(reason)); },
                        [this] { return core_limit_.lets_dump(); },
                        [this](const std::string& what) { end_guest(what); }});
  CpuTime cpu_time(image_);
  for (const auto& [guest, host] : ids) {
    cpu_time.know_thread(guest, host);
    tracee_->adopt(guest, threads.take_stopped(host));
  }
  LLRUN_TRY_ASSIGN(auto notifier, Notifier::create(std::move(listener_)));
  calls_ = std::make_unique<CallServer>(
      guest_->pid, GuestPid{image_.pid()}, std::move(notifier), context_, std::move(cpu_time),
      core_limit_,
      CallServer::Callbacks{[this](const protocol::JobMessage& message) { send(message); },
                            [this](std::string reason) { leave_later(std::move(reason)); },
                            [this](int fd) { return is_home_descriptor(fd); },
                            [this](HostTid tid) { return tracee_->guest_tid(tid); },
                            [this](HostTid tid) { return tracee_->signal_mask(tid); },
                            [this](HostTid tid) { tracee_->resume_signal(tid); },
                            [this](HostTid tid) { tracee_->interrupt(tid); },
                            [this](HostTid tid) { tracee_->wait_goes_natively(tid); }});
  tracee_->set_call_server(calls_.get());
  tracee_->set_most_threads(options_.most_threads);
  LLRUN_TRY(watch_calls());
  return traffic_->start_streams();
}

Result<> GuestJob::watch_calls() {
  return loop_->watch(calls_->fd(), EPOLLIN, [this](std::uint32_t events) {
    if (events & EPOLLIN) return calls_->on_readable();
    loop_->unwatch(calls_->fd());  // no thread has the filter any more
  });
}

bool GuestJob::is_home_descriptor(int fd) const {
  // By its name first: a file of the view must not be touched here, not even to close a duplicate
  // of it.
  const auto link = read_link(fmt::format("/proc/{}/fd/{}", guest_->pid.value, fd));
  if (!link ||
      !(link->starts_with("pipe:") || link->starts_with("/dev/pts/") || *link == "/dev/tty"))
    return false;
  const auto duplicate = tracer::take_fd(guest_->pidfd, RemoteFd{fd});
  struct stat status {};
  return duplicate && ::fstat(duplicate->get(), &status) == 0 &&
         outer_end(duplicate->get(), status).has_value();
}

void GuestJob::commit() {
  // Home may have taken the program back by now, if this lay in a buffer while the node was paused.
  if (state_ == GuestState::kRestored && BootClock::now() > commit_until_) return give_way();
  if (advance(GuestEvent::kCommit)) go_on([this] { run_guest(); });
}

void GuestJob::run_guest() {
  protocol::JobMessage message;
  message.mutable_running();
  send(message);
  if (auto ran = tracee_->run(); !ran)
    log::error("a thread of the guest could not be let go: {}", ran.error().message());
}

}  // namespace llrun
