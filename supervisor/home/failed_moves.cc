#include "supervisor/home/failed_moves.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/fd.h"
#include "tracer/procfs/fd_table.h"
#include "tracer/procfs/fdinfo.h"
#include "tracer/procfs/smaps.h"
#include "tracer/procfs/text.h"

namespace llrun {
namespace {

constexpr std::chrono::seconds kFirstPause{60};
constexpr std::chrono::seconds kLongestPause{3600};

std::string proc(HostPid pid, const char* file) {
  return fmt::format("/proc/{}/{}", pid.value, file);
}

void add_links(HostPid pid, std::string& state) {
  for (const char* link : {"exe", "cwd", "root"})
    state += fmt::format("{} {}\n", link, read_link(proc(pid, link)).value_or("?"));
}

void add_descriptors(HostPid pid, std::string& state) {
  const auto links = tracer::read_fd_links(pid);
  if (!links) return;
  for (const auto& link : *links) {
    const auto info = tracer::read_fdinfo(pid, link.fd);
    state += fmt::format("fd {} {} {:o} {}\n", link.fd, link.text, info ? info->flags : 0,
                         info ? info->locks.size() : 0);
  }
}

// Which kinds of memory there are, not how much of it or where. Nameless ones come and go, as our
// own page does while it is stopped.
void add_mappings(HostPid pid, std::string& state) {
  const auto maps = tracer::read_maps(pid);
  if (!maps) return;
  std::set<std::string> kinds;
  for (const auto& entry : *maps)
    if (!entry.name.empty())
      kinds.insert(fmt::format("map {} {:x}:{} {}{}{}{}\n", entry.name, entry.device, entry.inode,
                               entry.readable, entry.writable, entry.executable, entry.shared));
  for (const auto& kind : kinds) state += kind;
}

void add_status(HostPid pid, std::string& state) {
  const auto text = read_whole_file(proc(pid, "status"));
  if (!text) return;
  for (const char* key : {"Uid", "Gid", "Groups", "CapEff", "NoNewPrivs", "Seccomp", "Umask"})
    state += fmt::format("{} {}\n", key, tracer::value_of(*text, key).value_or("?"));
}

}  // namespace

std::string state_of_program(HostPid pid) {
  const auto limits = read_whole_file(proc(pid, "limits"));
  if (!limits) return {};
  std::string state = *limits;
  add_links(pid, state);
  add_status(pid, state);
  add_descriptors(pid, state);
  add_mappings(pid, state);
  return state;
}

void FailedMoves::note(FailedMove move) {
  Known known{std::move(move), std::nullopt};
  if (known.move.node.empty()) {
    pause_ = pause_.count() == 0 ? kFirstPause : std::min(2 * pause_, kLongestPause);
    known.until = EventLoop::Clock::now() + pause_;
  }
  const std::string node = known.move.node;
  moves_[node] = std::move(known);
}

void FailedMoves::look(const std::string& state) {
  std::erase_if(moves_, [&](const auto& known) { return known.second.move.state != state; });
  if (moves_.empty()) pause_ = {};
}

bool FailedMoves::counts(const Known& known) const {
  return !known.until || EventLoop::Clock::now() < *known.until;
}

std::optional<std::string> FailedMoves::against(const std::string& node) const {
  for (const auto& which : {std::string(), node})
    if (const auto known = moves_.find(which); known != moves_.end() && counts(known->second))
      return fmt::format(
          "{}; it is not tried again until what the program has open or mapped changes",
          known->second.move.why);
  return std::nullopt;
}

std::optional<tracer::Pin> FailedMoves::pin() const {
  const auto known = moves_.find("");
  if (known == moves_.end() || !counts(known->second)) return std::nullopt;
  return tracer::Pin{
      "a move has failed: " + known->second.move.why,
      "it is tried again when what the program has open or mapped changes, or by hand: "
      "llrunctl migrate"};
}

tracer::Pins FailedMoves::in_words() const {
  tracer::Pins words;
  for (const auto& [node, known] : moves_)
    if (counts(known))
      words.push_back({node.empty()
                           ? "a move has failed: " + known.move.why
                           : fmt::format("a move to {} has failed: {}", node, known.move.why),
                       "it is tried again when what the program has open or mapped changes, or by "
                       "hand: llrunctl "
                       "migrate"});
  return words;
}

}  // namespace llrun
