#include "supervisor/agent/waiters.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/tree_mark.h"
#include "supervisor/control/client.h"
#include "supervisor/home/process_age.h"
#include "tracer/objects/measures.h"
#include "tracer/procfs/directory.h"

namespace llrun::agent {
namespace {

constexpr std::chrono::seconds kBetweenLooks{1};
constexpr std::size_t kMostDescendants = 1000;

// What lives for less is not worth mentioning, as it is not worth a supervisor.
constexpr std::chrono::seconds kWorthMentioning{1};

std::vector<HostPid> children_of(HostPid pid) {
  auto children = tracer::list_children(pid).value_or(std::vector<HostPid>{});
  std::erase_if(children, [](HostPid child) { return process_age(child) < kWorthMentioning; });
  return children;
}

// In the order of their generations.
std::vector<HostPid> descendants_of(HostPid pid) {
  std::vector<HostPid> found = children_of(pid);
  for (std::size_t at = 0; at < found.size() && found.size() < kMostDescendants; ++at) {
    const auto next = children_of(found[at]);
    found.insert(found.end(), next.begin(), next.end());
  }
  return found;
}

std::optional<waiting::Word> next_word(int fd) {
  waiting::Word word{};
  if (::recv(fd, &word, sizeof word, MSG_DONTWAIT) != sizeof word) return std::nullopt;
  return word;
}

std::chrono::nanoseconds cpu_time_of(int pid) {
  return tracer::cpu_time_of(HostPid{pid}).value_or(std::chrono::nanoseconds::zero());
}

void describe(protocol::ProcessReport& report, const Watch& watch, int pid, pid_t waiter) {
  watch.describe(report);
  report.set_pid(pid);
  report.set_supervisor_pid(static_cast<std::uint32_t>(waiter));
  report.set_state("home");
  report.set_stay((tree_mark::read(pid) & tree_mark::kStays) != 0);
}

}  // namespace

Waiters::Waiters(Surroundings around, const std::vector<std::string>& addresses)
    : around_(std::move(around)) {
  for (const auto& address : addresses) {
    auto opened = control::ListeningSocket::open(address);
    if (!opened) {  // another agent of this user's; programs have supervisors at once then
      log::debug("{}", opened.error().message());
      continue;
    }
    sockets_.push_back(std::move(*opened));
    const auto socket = std::prev(sockets_.end());
    if (auto watched = around_.loop.watch(socket->get(), EPOLLIN,
                                          [this, socket](std::uint32_t) { accept(*socket); });
        !watched)
      sockets_.erase(socket);
  }
}

Waiters::~Waiters() {
  for (const auto& socket : sockets_) around_.loop.unwatch(socket.get());
  for (const auto& newcomer : newcomers_) around_.loop.unwatch(newcomer.socket.get());
  for (const auto& [pid, waiting] : waiting_) around_.loop.unwatch(waiting.socket.get());
}

void Waiters::accept(const control::ListeningSocket& socket) {
  for (int i = 0; i < 64; ++i) {
    Fd client(::accept4(socket.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!client.valid()) return;
    ucred peer{};
    socklen_t size = sizeof peer;
    if (!control::is_same_user(client.get()) ||
        ::getsockopt(client.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ||
        waiting_.size() + newcomers_.size() >= kMost)
      continue;
    newcomers_.push_back({std::move(client), peer.pid});
    const auto newcomer = std::prev(newcomers_.end());
    if (auto watched =
            around_.loop.watch(newcomer->socket.get(), EPOLLIN,
                               [this, newcomer](std::uint32_t) { first_word(newcomer); });
        !watched)
      newcomers_.erase(newcomer);
  }
}

void Waiters::first_word(std::list<Newcomer>::iterator newcomer) {
  Newcomer it = std::move(*newcomer);
  around_.loop.unwatch(it.socket.get());
  newcomers_.erase(newcomer);
  const auto word = next_word(it.socket.get());
  if (!word || word->kind != waiting::Kind::kWaits || waiting_.contains(word->pid)) return;
  const int pid = word->pid;
  Waiting waiting{std::move(it.socket), Watch(HostPid{pid}), it.waiter};
  std::ignore = waiting.watch.sample();
  if (around_.loop.watch(waiting.socket.get(), EPOLLIN, [this, pid](std::uint32_t) { ready(pid); }))
    waiting_.emplace(pid, std::move(waiting));
}

void Waiters::ready(int pid) {
  const auto found = waiting_.find(pid);
  const auto word = next_word(found->second.socket.get());
  const Waiting waiting = std::move(found->second);
  around_.loop.unwatch(waiting.socket.get());
  waiting_.erase(found);
  if (waiting.woken || stopping_) return;
  if (word && word->kind == waiting::Kind::kLeaves) {
    expect(pid, waiting);
  } else if (word && word->kind == waiting::Kind::kEnded) {
    if (waiting.heard) around_.ended(report_of(pid, waiting));
  } else {
    around_.log.add(fmt::format("home {}", pid),
                    fmt::format("{}: who waited to supervise it (process {}) has gone; it runs on "
                                "here, unwatched",
                                waiting.watch.program(), waiting.waiter));
  }
}

protocol::ProcessReport Waiters::report_of(int pid, const Waiting& waiting) {
  protocol::ProcessReport report;
  describe(report, waiting.watch, pid, waiting.waiter);
  return report;
}

void Waiters::wake(int pid, Waiting& waiting) {
  if (std::exchange(waiting.woken, true)) return;
  waiting::say(waiting.socket.get(), waiting::Kind::kWake, pid);
  expect(pid, waiting);
}

void Waiters::expect(int pid, const Waiting& waiting) {
  expected_[pid] = {Clock::now() + kWakesWithin, waiting.waiter, waiting.watch.cpu_rate()};
}

// What has not run since has made no children either.
bool Waiters::has_reason(int pid, Waiting& waiting, Clock::time_point now) {
  waiting.looked_at = now;
  const auto used = cpu_time_of(pid);
  if (used == waiting.used) return waiting.has_reason;
  const bool computes = used - std::exchange(waiting.used, used) >= kComputes / 10;
  if (used >= kComputes && computes && waiting.watch.sample()) {
    waiting.heard = true;
    around_.heard(report_of(pid, waiting));
  }
  const auto children = tracer::list_children(HostPid{pid});
  waiting.has_reason = used >= kComputes || (children && !children->empty());
  return waiting.has_reason;
}

void Waiters::look() {
  const auto now = Clock::now();
  std::erase_if(expected_, [&](const auto& entry) { return entry.second.until <= now; });
  std::size_t woken = 0;
  const bool could_go = around_.could_go();
  for (auto& [pid, waiting] : waiting_) {
    const bool young = now - waiting.since < kBetweenLooks;
    if (waiting.woken || (!young && now - waiting.looked_at < kBetweenLooks)) continue;
    if (has_reason(pid, waiting, now) && could_go && woken < kWokenAtOnce) {
      wake(pid, waiting);
      ++woken;
    }
  }
}

void Waiters::say_stopping() {
  stopping_ = true;
  for (auto& [pid, waiting] : waiting_)
    waiting::say(waiting.socket.get(), waiting::Kind::kStopping, pid);
}

std::vector<protocol::ProcessReport> Waiters::reports() {
  std::vector<protocol::ProcessReport> reports;
  for (auto& [pid, waiting] : waiting_) {
    std::ignore = waiting.watch.sample();
    reports.push_back(report_of(pid, waiting));
    for (const HostPid descendant : descendants_of(HostPid{pid})) {
      Watch watch(descendant);
      if (around_.processes.home(descendant.value) != nullptr || !watch.sample()) continue;
      describe(reports.emplace_back(), watch, descendant.value, waiting.waiter);
    }
  }
  for (const auto& [pid, expected] : expected_) {
    const bool elsewhere = waiting_.contains(pid) || around_.processes.home(pid) != nullptr;
    Watch watch{HostPid{pid}};
    if (!elsewhere && watch.sample()) describe(reports.emplace_back(), watch, pid, expected.waiter);
  }
  return reports;
}

bool Waiters::wake_for(int pid) {
  if (around_.processes.home(pid) != nullptr) return false;
  if (const auto found = waiting_.find(pid); found != waiting_.end()) {
    wake(pid, found->second);
    return true;
  }
  for (auto& [root, waiting] : waiting_) {
    const auto descendants = descendants_of(HostPid{root});
    if (std::ranges::find(descendants, HostPid{pid}) == descendants.end()) continue;
    wake(root, waiting);
    expected_[pid] = {Clock::now() + kWakesWithin, 0, 0};
    return true;
  }
  const auto expected = expected_.find(pid);
  return expected != expected_.end() && Clock::now() < expected->second.until;
}

double Waiters::cpu_rate_before(int pid) const {
  const auto found = expected_.find(pid);
  return found == expected_.end() ? 0 : found->second.cpu_rate;
}

}  // namespace llrun::agent
