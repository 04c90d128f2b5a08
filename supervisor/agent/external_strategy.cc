#include "supervisor/agent/external_strategy.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <sstream>
#include <utility>

#include "base/log.h"
#include "base/spawn.h"
#include "policies/strategy/external.h"

namespace llrun::agent {

using policies::ClusterView;
using policies::Decision;
using policies::ExecView;
using policies::Placement;
using policies::ProcessView;

ExternalStrategy::ExternalStrategy(ExternalStrategyOptions options,
                                   std::unique_ptr<policies::Strategy> fallback)
    : options_(std::move(options)),
      fallback_(std::move(fallback)),
      name_("exec:" + options_.command.at(0)) {}

ExternalStrategy::~ExternalStrategy() { end(); }

std::vector<Decision> ExternalStrategy::decide(const ClusterView& view,
                                               std::span<const ProcessView> processes) {
  const auto answer = ask(policies::decide_question(++next_id_, view, processes));
  if (answer) {
    auto decisions = policies::decide_answer(*answer, view, processes);
    if (decisions) return *std::move(decisions);
    give_up(decisions.error());
  }
  return fallback_->decide(view, processes);
}

Placement ExternalStrategy::place(const ClusterView& view, const ExecView& exec) {
  if (exec.never) return fallback_->place(view, exec);
  const auto answer = ask(policies::place_question(++next_id_, view, exec));
  if (answer) {
    auto placement = policies::place_answer(*answer, view, exec);
    if (placement) return *std::move(placement);
    give_up(placement.error());
  }
  return fallback_->place(view, exec);
}

Result<std::string> ExternalStrategy::ask(const std::string& question) {
  if (auto running = ensure_running(); !running) return std::unexpected(running.error());
  const auto deadline = Clock::now() + options_.limit;
  auto answer = [&]() -> Result<std::string> {
    LLRUN_TRY(write_all(question + "\n", deadline));
    for (;;) {  // ends at the deadline at the latest
      LLRUN_TRY_ASSIGN(std::string line, read_line(deadline));
      LLRUN_TRY_ASSIGN(const std::uint64_t id, policies::answer_id(line));
      if (id == next_id_) return line;
    }
  }();
  if (!answer)
    give_up(answer.error());
  else
    complaint_.clear();
  return answer;
}

Result<> ExternalStrategy::ensure_running() {
  if (child_ != 0) return {};
  if (starts_ >= options_.most_starts || Clock::now() < next_start_)
    return failure(ErrorCode::kGone, complaint_);
  auto started = start();
  if (!started) give_up(started.error());
  return started;
}

// One socket for both directions: writing to a program that has ended is then an error and not a
// SIGPIPE.
Result<> ExternalStrategy::start() {
  ++starts_;
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return system_error("socketpair");
  Fd ours(ends[0]), theirs(ends[1]);
  if (fcntl(ours.get(), F_SETFL, O_NONBLOCK) != 0) return system_error("fcntl O_NONBLOCK");
  Spawn strategy;
  strategy.give(theirs.get(), STDIN_FILENO).give(theirs.get(), STDOUT_FILENO);
  const auto child = strategy.run(options_.command);
  if (!child)
    return system_error("start the strategy " + options_.command[0], child.error().errno_value);
  child_ = *child;
  channel_ = std::move(ours);
  buffered_.clear();
  return {};
}

Result<> ExternalStrategy::wait_for(short events, Clock::time_point deadline) const {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
  pollfd watched{channel_.get(), events, 0};
  const int ready = left.count() > 0 ? poll(&watched, 1, static_cast<int>(left.count())) : 0;
  if (ready == 0)
    return failure(ErrorCode::kTimeout,
                   "the strategy " + options_.command[0] + " took too long to answer");
  if (ready < 0 && errno != EINTR) return system_error("poll");
  return {};
}

Result<> ExternalStrategy::write_all(std::string_view text, Clock::time_point deadline) {
  while (!text.empty()) {
    const ssize_t count = send(channel_.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (count > 0) {
      text.remove_prefix(static_cast<std::size_t>(count));
      continue;
    }
    if (errno != EAGAIN && errno != EINTR)
      return system_error("ask the strategy " + options_.command[0]);
    LLRUN_TRY(wait_for(POLLOUT, deadline));
  }
  return {};
}

Result<std::string> ExternalStrategy::read_line(Clock::time_point deadline) {
  for (;;) {  // ends at the deadline at the latest
    if (const std::size_t end = buffered_.find('\n'); end != std::string::npos) {
      std::string line = buffered_.substr(0, end);
      buffered_.erase(0, end + 1);
      return line;
    }
    if (buffered_.size() > policies::kLongestAnswer)
      return failure(ErrorCode::kProtocol,
                     "the strategy " + options_.command[0] + " does not end its line");
    LLRUN_TRY(wait_for(POLLIN, deadline));
    char part[16384];
    const ssize_t count = recv(channel_.get(), part, sizeof part, 0);
    if (count == 0)
      return failure(ErrorCode::kGone, "the strategy " + options_.command[0] + " has ended");
    if (count > 0)
      buffered_.append(part, static_cast<std::size_t>(count));
    else if (errno != EAGAIN && errno != EINTR)
      return system_error("read from the strategy " + options_.command[0]);
  }
}

void ExternalStrategy::give_up(const Error& error) {
  end();
  if (!complaint_.empty() && starts_ == 0) return;
  const auto pause = options_.first_pause * (1 << std::clamp(starts_ - 1, 0, 10));
  next_start_ = Clock::now() + pause;
  complaint_ = error.message() + "; " + std::string(fallback_->name()) + " decides meanwhile" +
               (starts_ >= options_.most_starts ? ", and it is not started again" : "");
  log::warn("{}", complaint_);
}

void ExternalStrategy::end() {
  channel_ = Fd();
  buffered_.clear();
  if (child_ == 0) return;
  kill(child_, SIGKILL);
  while (waitpid(child_, nullptr, 0) < 0 && errno == EINTR) continue;
  child_ = 0;
}

Result<std::unique_ptr<policies::Strategy>> make_any_strategy(
    std::string_view name, const policies::StrategyOptions& options, std::string_view fallback) {
  constexpr std::string_view kPrefix = "exec:";
  if (!name.starts_with(kPrefix)) return policies::make_strategy(name, options);
  ExternalStrategyOptions external;
  std::istringstream words{std::string(name.substr(kPrefix.size()))};
  for (std::string word; words >> word;) external.command.push_back(word);
  if (external.command.empty() || external.command[0][0] != '/')
    return failure(ErrorCode::kInvalid,
                   "exec: needs the full path of a program: strategy = exec:/home/me/mine.py");
  LLRUN_TRY_ASSIGN(auto stand_in, policies::make_strategy(fallback, {options.seed, {}}));
  return std::make_unique<ExternalStrategy>(std::move(external), std::move(stand_in));
}

}  // namespace llrun::agent
