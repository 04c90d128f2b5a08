#include "supervisor/guest/call_server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/audit.h>
#include <linux/openat2.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <tuple>
#include <utility>

#include "base/log.h"
#include "supervisor/guest/call_answers.h"
#include "tracer/objects/terminals.h"
#include "tracer/procfs/directory.h"
#include "tracer/procfs/fd_table.h"

namespace llrun {
namespace {

std::string call_name(std::uint64_t number) {
  const CallRow* row = find_call(number);
  return row ? std::string(row->name) : fmt::format("system call {}", number);
}

std::string why_home(std::uint64_t number) {
  const CallRow* row = find_call(number);
  return row ? std::string(row->why) : "it is newer than this llrun";
}

constexpr const char* kServedFromHome = "it concerns a descriptor that is served from home";

struct Opened {
  int directory = AT_FDCWD;
  std::uint64_t path = 0;
  std::uint64_t flags = 0;
};

Result<Opened> opened_by(HostPid guest, const NotifiedCall& call) {
  const auto& args = call.args;
  switch (call.number) {
    case SYS_open:
      return Opened{AT_FDCWD, args[0], args[1]};
    case SYS_creat:
      return Opened{AT_FDCWD, args[0], O_CREAT | O_WRONLY | O_TRUNC};
    case SYS_openat2: {
      LLRUN_TRY_ASSIGN(const auto how, tracer::read_value<open_how>(guest, {args[2]}));
      return Opened{static_cast<int>(args[0]), args[1], how.flags};
    }
    default:
      return Opened{static_cast<int>(args[0]), args[1], args[2]};
  }
}

// Calls that wait at home as well, and there end with EINTR when a handler has run: of some of them
// whatever its flags, of the others if it lacks SA_RESTART (signal(7)). Those that are neither are
// made anew behind the handler: at home they would not have waited.
enum class Waits : std::uint8_t { kNot, kAndRestarts, kAndNeverRestarts };
Waits waits(const NotifiedCall& call) {
  switch (call.number) {
    case SYS_flock:
    case SYS_connect:
    case SYS_accept:
    case SYS_accept4:
    case SYS_wait4:
    case SYS_waitid:
      return Waits::kAndRestarts;
    case SYS_msgrcv:
    case SYS_msgsnd:
    case SYS_semop:
    case SYS_semtimedop:
      return Waits::kAndNeverRestarts;
    case SYS_fcntl:
      return call.args[1] == F_SETLKW || call.args[1] == F_OFD_SETLKW ? Waits::kAndRestarts
                                                                      : Waits::kNot;
    default:
      return Waits::kNot;
  }
}

constexpr int kMostRounds = 8;  // of a path that leads from home's tree into the world's and back

}  // namespace

CallServer::CallServer(HostPid guest, GuestPid self, Notifier notifier, const CallContext& context,
                       CpuTime cpu_time, const CoreLimit& core_limit, Callbacks callbacks)
    : guest_(guest),
      self_(self),
      notifier_(std::move(notifier)),
      context_(context),
      judge_(context),
      judge_of_own_(CallContext{{}, context.self}),
      cpu_time_(std::move(cpu_time)),
      core_limit_(core_limit),
      callbacks_(std::move(callbacks)) {}

void CallServer::on_readable() {
  auto call = notifier_.receive();
  if (!call) return;  // the thread was interrupted meanwhile
  serve(*call);
}

// A thread that is frozen and thawed, by a control group's freezer or with its node when that
// sleeps, leaves its wait for us and makes its call again without a stop that its tracer would see
// (kernel/freezer.c, freeze_task): the call that was under way goes on for it, and one that is done
// meanwhile is done.
bool CallServer::is_notified_again(const NotifiedCall& call) {
  if (const auto waiting = waiting_.find(call.thread); waiting != waiting_.end()) {
    if (const auto at_home = home_calls_.find(waiting->second); at_home != home_calls_.end())
      at_home->second.call = call;
    if (const auto open = classifying_.find(waiting->second); open != classifying_.end())
      open->second.call = call;
    return true;
  }
  if (!outcomes_.contains(call.thread)) return false;
  callbacks_.interrupt(call.thread);  // put in place at its stop
  return true;
}

void CallServer::serve(const NotifiedCall& call) {
  if (is_notified_again(call)) return;
  if (call.arch != AUDIT_ARCH_X86_64) return bring_home(call, "it makes a 32-bit system call");
  switch (judge_.judge(call.number, call.args)) {
    case Verdict::kNative:
    case Verdict::kTraced:
      return natively(call);
    case Verdict::kFileType:
      return serve_open(call);
    case Verdict::kPathChange:
      if (auto files = changed_files(guest_, call)) return serve_change(call, std::move(*files));
      return natively(call);  // EFAULT is the kernel's to say
    case Verdict::kWatched:
      return serve_watched(call);
    case Verdict::kEnding:
      return serve_ending(call);
    case Verdict::kSignalTarget:
      return serve_signal(call);
    case Verdict::kHomeDescriptor:
      return serve_home_descriptor(call);
    case Verdict::kCpuTime:
      if (const auto answer = cpu_time_.answer(guest_, call)) {
        if (auto said = notifier_.answer(call.id, *answer); !said) return;
        return;
      }
      return natively(call);
    case Verdict::kHome:
      if (const auto answer = core_limit_.answer(guest_, of_itself(call))) {
        if (auto said = notifier_.answer(call.id, *answer); !said) return;
        return;
      }
      return make_at_home(of_itself(call), why_home(call.number));
    case Verdict::kThread:
    case Verdict::kBringsHome:
      break;
  }
  bring_home(call, why_home(call.number));
}

// A limit of the program's own is asked for by its number or by 0, which says the same anywhere.
NotifiedCall CallServer::of_itself(NotifiedCall call) const {
  if (call.number == SYS_prlimit64 && static_cast<pid_t>(call.args[0]) == self_.value)
    call.args[0] = 0;
  return call;
}

// Who has been interrupted meanwhile makes it anew.
void CallServer::refuse(const NotifiedCall& call, int errno_value) {
  std::ignore = notifier_.answer_error(call.id, errno_value);
}

void CallServer::natively(const NotifiedCall& call) {
  if (judge_.never_here(call.number, call.args)) {
    log::error("{} was about to be made on this node, which nobody may", call_name(call.number));
    return refuse(call, EPERM);
  }
  if (auto said = notifier_.answer_continue(call.id); !said)
    log::debug("{} was interrupted before it was continued", call_name(call.number));
}

void CallServer::deny(const std::string& why) {
  for (const auto& [thread, held] : held_)
    if (held.wants_home) denied_[thread] = why;
}

bool CallServer::wants_home(HostTid tid) const {
  const auto held = held_.find(tid);
  return held != held_.end() && held->second.wants_home;
}

bool CallServer::wants_home() const {
  return std::ranges::any_of(held_, [](const auto& entry) { return entry.second.wants_home; });
}

void CallServer::bring_home(const NotifiedCall& call, const std::string& why) {
  if (const auto denied = denied_.extract(call.thread); !denied.empty()) {
    log::error("{} fails: {}, and the program can never go home for it: {}", call_name(call.number),
               why, denied.mapped());
    return refuse(call, EAGAIN);
  }
  held_[call.thread] = {call, true};
  callbacks_.bring_home(fmt::format("it calls {}: {}", call_name(call.number), why));
}

Result<std::string> CallServer::base_directory(int fd) const {
  if (fd == AT_FDCWD) return read_link(fmt::format("/proc/{}/cwd", guest_.value));
  return read_link(fmt::format("/proc/{}/fd/{}", guest_.value, fd));
}

void CallServer::serve_open(const NotifiedCall& call) {
  auto opened = opened_by(guest_, call);
  if (!opened) return natively(call);  // EFAULT is the kernel's to say
  auto path = tracer::read_string(guest_, {opened->path});
  if (!path || path->empty()) return natively(call);
  // Such a description has nothing at home that could be given back to the program there.
  if ((opened->flags & O_PATH) != 0)
    return bring_home(call, "it opens a mere place in the file tree (O_PATH)");
  if ((opened->flags & O_TMPFILE) == O_TMPFILE)
    return bring_home(call, "it makes a file without a name (O_TMPFILE), which no file view can");
  auto base = base_directory(path->starts_with('/') ? AT_FDCWD : opened->directory);
  if (!base) return natively(call);  // EBADF
  const bool reads =
      (opened->flags & O_ACCMODE) == O_RDONLY && (opened->flags & (O_TRUNC | O_CREAT)) == 0;
  serve_place({.call = call,
               .follow = (opened->flags & O_NOFOLLOW) == 0,
               .use = reads ? protocol::Classify::USE_READ : protocol::Classify::USE_WRITE},
              *base, *path);
}

// One file after the other: whatever home keeps from this node is changed there.
void CallServer::serve_change(const NotifiedCall& call, std::vector<ChangedFile> files) {
  if (files.empty()) return natively(call);
  const ChangedFile file = std::move(files.front());
  files.erase(files.begin());
  const auto base = base_directory(file.path.starts_with('/') ? AT_FDCWD : file.directory);
  if (!base || !base->starts_with('/')) return natively(call);  // EBADF, or no file of home's
  serve_place({.call = call, .follow = file.follow, .use = file.use, .then = std::move(files)},
              *base, file.path);
}

MagicLink CallServer::magic_links() const {
  return [this](const std::string& name) -> std::optional<std::string> {
    auto target = read_link(fmt::format("/proc/{}/{}", guest_.value, name));
    return target ? std::optional(std::move(*target)) : std::nullopt;
  };
}

void CallServer::serve_place(Classifying open, const std::string& base, const std::string& path) {
  act_on(std::move(open), where_it_leads(base, path, magic_links()));
}

void CallServer::act_on(Classifying open, const Leads& leads) {
  switch (leads.to) {
    case Leads::To::kWorld:
      return none_of_home(std::move(open));
    case Leads::To::kDescriptor:
      return bring_home(open.call, "it opens a descriptor anew, which may be one of home's");
    case Leads::To::kNamespace:
      return bring_home(open.call, "it opens a namespace");
    case Leads::To::kHome:
      break;
  }
  const std::uint64_t id = next_id_++;
  protocol::JobMessage message;
  auto& question = *message.mutable_classify();
  question.set_id(id);
  question.set_path(leads.path);
  question.set_base(leads.base);
  question.set_follow(open.follow);
  question.set_use(open.use);
  waiting_[open.call.thread] = id;
  classifying_[id] = std::move(open);
  callbacks_.send(message);
}

// This file need not be used at home.
void CallServer::none_of_home(Classifying open) { serve_change(open.call, std::move(open.then)); }

// What home's tree leads to in /proc or /dev is the world's again.
void CallServer::on_classified(const protocol::Classified& answer) {
  const auto found = classifying_.find(answer.id());
  if (found == classifying_.end()) return;
  Classifying open = std::move(found->second);
  const NotifiedCall call = open.call;
  classifying_.erase(found);
  waiting_.erase(call.thread);
  if (!notifier_.still_valid(call.id)) return;
  if (!answer.path().empty()) {
    const Leads leads = where_it_leads("/", answer.path(), magic_links());
    const bool asks_again = leads.to == Leads::To::kHome && answer.path().starts_with("/proc");
    if (asks_again && ++open.rounds > kMostRounds) return natively(call);
    if (asks_again || leads.to != Leads::To::kHome) return act_on(std::move(open), leads);
  }
  if (!answer.kept_back().empty()) return bring_home(call, answer.kept_back());
  if (judge_.judge(call.number, call.args) == Verdict::kPathChange)
    return none_of_home(std::move(open));
  const mode_t mode = answer.errno_value() != 0 ? S_IFREG : answer.mode();
  if (S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode) || S_ISSOCK(mode)) return natively(call);
  bring_home(call, S_ISFIFO(mode) ? "it opens a FIFO" : "it opens a device");
}

// Files of the view can be waited for, as FUSE knows polling; of home's, its kernel says so.
void CallServer::serve_watched(const NotifiedCall& call) {
  const auto about = tracer::stat_fd(guest_, static_cast<int>(call.args[2]));
  if (!about || (!S_ISREG(about->st_mode) && !S_ISDIR(about->st_mode))) return natively(call);
  bring_home(call, "it has a file watched, which home's kernel may refuse");
}

// Memory, descriptors and directories of a program are known by its first thread, here and there;
// where that has ended before the others the program cannot be captured.
void CallServer::serve_ending(const NotifiedCall& call) {
  const auto threads = tracer::list_threads(guest_);
  const bool is_alone = !threads || threads->size() < 2;
  if (call.thread.value != guest_.value || is_alone) return natively(call);
  if (const auto denied = denied_.extract(call.thread); !denied.empty()) {
    log::error(
        "the first thread of the program ends before the others, and it can never go home: {}",
        denied.mapped());
    return natively(call);
  }
  bring_home(call, "its first thread ends before the others");
}

// To itself: the kernel of the peer does it. To others: only home knows them, and the shadow, whose
// threads have the guest's ids, is who sends it.
void CallServer::serve_signal(const NotifiedCall& call) {
  const auto target = static_cast<pid_t>(call.args[0]);
  const bool by_process = call.number == SYS_kill || call.number == SYS_tgkill ||
                          call.number == SYS_rt_sigqueueinfo ||
                          call.number == SYS_rt_tgsigqueueinfo;
  if (by_process && target == self_.value) return natively(call);
  make_at_home(call, "the signal is for another process");
}

bool CallServer::offset_descriptor(int fd) const {
  return std::ranges::find(context_.home.offsets, fd) != context_.home.offsets.end();
}

// Here such a descriptor stands far beyond any limit, which the kernel would find exceeded
// (fs/read_write.c: generic_write_check_limits). The shadow has the true offset and the same limit.
bool CallServer::meets_size_limit(const NotifiedCall& call) const {
  const bool here = call.number == SYS_write || call.number == SYS_writev ||
                    (call.number == SYS_pwritev2 && static_cast<std::int64_t>(call.args[3]) == -1);
  rlimit limit{};
  return here && ::prlimit(guest_.value, RLIMIT_FSIZE, nullptr, &limit) == 0 &&
         limit.rlim_cur != RLIM_INFINITY;
}

void CallServer::serve_home_descriptor(const NotifiedCall& call) {
  const auto fd = static_cast<int>(call.args[0]);
  switch (call.number) {
    case SYS_poll:
    case SYS_ppoll:
    case SYS_select:
    case SYS_pselect6:
    case SYS_epoll_wait:
    case SYS_epoll_pwait:
    case SYS_epoll_pwait2:
      return serve_wait(call);
    case SYS_close:
    case SYS_close_range:
      return natively(call);
    case SYS_dup2:
    case SYS_dup3:
      // Onto a number of home's: it means something else afterwards, which is_home sees.
      if (!callbacks_.is_home(fd) && !offset_descriptor(fd)) return natively(call);
      return bring_home(call, "it duplicates a descriptor that is served from home");
    default:
      break;
  }
  if (offset_descriptor(fd) && meets_size_limit(call))
    return make_at_home(call, "it writes to a file whose offset is at home, under ulimit -f");
  if (offset_descriptor(fd) && call.number != SYS_lseek && call.number != SYS_fcntl &&
      call.number != SYS_dup && call.number != SYS_sendfile && call.number != SYS_copy_file_range &&
      call.number != SYS_splice)
    return natively(call);  // the file view keeps the offset at home
  if (!offset_descriptor(fd) && !callbacks_.is_home(fd)) {
    if (judge_of_own_.judge(call.number, call.args) == Verdict::kNative) return natively(call);
    return bring_home(call, "it cannot be done away from home");
  }
  make_at_home(call, kServedFromHome);
}

bool CallServer::is_handed(std::uint64_t number) const {
  return judge_.judge(number, {}) == Verdict::kHomeDescriptor;
}

void CallServer::serve_wait(const NotifiedCall& call) {
  const auto what = waits_for(guest_, call, callbacks_.is_home);
  if (what && *what != WaitsFor::kOnlyOwn) return make_at_home(call, kServedFromHome);
  natively(call);
  callbacks_.wait_goes_natively(call.thread);
}

void CallServer::make_at_home(const NotifiedCall& call, const std::string& else_because) {
  auto plan = plan_home_call(guest_, call, callbacks_.is_home);
  if (!plan) {
    return refuse(call, EFAULT);
  }
  if (!*plan) return bring_home(call, else_because);
  send_home_call(call, std::move(**plan));
}

void CallServer::send_home_call(const NotifiedCall& call, HomeCallPlan plan) {
  const std::uint64_t id = next_id_++;
  const auto tid = callbacks_.guest_tid(call.thread);
  if (!tid) return refuse(call, EAGAIN);  // has just been born, or is nobody of ours
  plan.call.set_id(id);
  plan.call.set_tid(tid->value);
  plan.call.set_signal_mask(callbacks_.signal_mask(call.thread));
  protocol::JobMessage message;
  *message.mutable_home_call() = plan.call;
  home_calls_[id] = {call, std::move(plan), false, EventLoop::Clock::now()};
  waiting_[call.thread] = id;
  callbacks_.send(message);
}

void CallServer::on_home_call_done(const protocol::HomeCallDone& done) {
  const auto found = home_calls_.find(done.id());
  if (found == home_calls_.end()) return;
  AtHome at_home = std::move(found->second);
  home_calls_.erase(found);
  waiting_.erase(at_home.call.thread);
  finish(std::move(at_home), done);
}

void CallServer::finish(AtHome at_home, const protocol::HomeCallDone& done) {
  const NotifiedCall& call = at_home.call;
  const bool valid = notifier_.still_valid(call.id);
  if (done.cancelled() && valid && !at_home.cancelling && !done.refusal().empty())
    return bring_home(call, "home could not begin it: " + done.refusal());
  auto stored = store_outputs(guest_, at_home.plan, done);
  if (!stored && stored.error().errno_value != EFAULT)
    log::error("an answer from home could not be stored: {}", stored.error().message());
  if (done.cancelled()) {
    // A signal met the shadow's thread. It is on its way to the guest; if it does not concern this
    // thread, the call goes on. Where home's kernel has told what is left of its time, that is so.
    go_on_from(done, at_home.plan.call);
    if (done.outputs_size() == 0)
      if (auto less = shorten(guest_, at_home.plan, EventLoop::Clock::now() - at_home.begun); !less)
        log::error("the rest of a wait: {}", less.error().message());
    if (valid && !at_home.cancelling) return send_home_call(call, std::move(at_home.plan));
    outcomes_[call.thread] = {std::nullopt, at_home.plan.restarts};
    if (at_home.cancelling) callbacks_.resume_signal(call.thread);
    return;
  }
  if (valid && at_home.plan.then_natively && done.value() >= 0) return natively(call);
  // Never by the notification: the kernel takes an answer, and forgets it, if a signal has just
  // woken the thread (kernel/seccomp.c, seccomp_do_user_notification), and what was done is not
  // done twice.
  outcomes_[call.thread] = {stored ? done.value() : -EFAULT, true};
  if (at_home.cancelling) return callbacks_.resume_signal(call.thread);
  if (valid) callbacks_.interrupt(call.thread);
}

bool CallServer::end_as_at_home(HostTid tid) {
  const Waits kind = waits(held_.at(tid).call);
  if (kind == Waits::kNot) return false;
  outcomes_[tid] = {std::nullopt, kind == Waits::kAndRestarts};
  return true;
}

CallServer::Interrupted CallServer::interrupted(HostTid tid) {
  const auto waiting = waiting_.find(tid);
  if (waiting == waiting_.end()) {
    const bool nothing = !holds(tid) || end_as_at_home(tid);
    held_.erase(tid);
    return nothing ? Interrupted::kNothing : Interrupted::kMakeAnew;
  }
  if (classifying_.erase(waiting->second) > 0) {
    waiting_.erase(waiting);
    return Interrupted::kMakeAnew;
  }
  AtHome& at_home = home_calls_.at(waiting->second);
  if (!at_home.cancelling) {
    at_home.cancelling = true;
    protocol::JobMessage message;
    message.mutable_cancel_home_call()->set_id(waiting->second);
    callbacks_.send(message);
  }
  return Interrupted::kWait;
}

std::optional<CallServer::Outcome> CallServer::take_outcome(HostTid tid) {
  const auto found = outcomes_.find(tid);
  if (found == outcomes_.end()) return std::nullopt;
  const Outcome outcome = found->second;
  outcomes_.erase(found);
  return outcome;
}

void CallServer::give_up_all() {
  for (const auto& [id, classifying] : classifying_) {
    held_[classifying.call.thread] = {classifying.call};
    waiting_.erase(classifying.call.thread);
  }
  classifying_.clear();
  for (auto& [id, at_home] : home_calls_) {
    if (at_home.cancelling) continue;
    at_home.cancelling = true;
    protocol::JobMessage message;
    message.mutable_cancel_home_call()->set_id(id);
    callbacks_.send(message);
  }
}

void CallServer::forget(HostTid tid) {
  held_.erase(tid);
  denied_.erase(tid);
  outcomes_.erase(tid);
  if (const auto waiting = waiting_.find(tid); waiting != waiting_.end()) {
    classifying_.erase(waiting->second);
    waiting_.erase(waiting);
  }
}

}  // namespace llrun
