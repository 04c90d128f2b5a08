#include "supervisor/home/peer_connection.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <thread>

#include "base/log.h"
#include "supervisor/config/paths.h"
#include "supervisor/job/greeting.h"

namespace llrun {
namespace {

constexpr std::chrono::milliseconds kGreetingTimeout{20'000};
// Fewer than the ten that sshd lets log in at once, since others use it, too.
constexpr int kAtOnce = 4;
constexpr std::chrono::milliseconds kLookForTurn{20};
constexpr int kMostTries = 4;
constexpr std::chrono::milliseconds kFirstPause{300};

// What a channel's command, which may be the other node's own, can say there at most; what it
// writes beyond that fails (EPERM, F_SEAL_GROW in fcntl(2)).
constexpr off_t kMostComplaints = 64 << 10;

Result<Fd> room_for_complaints() {
  rlimit files{};
  const rlim_t most = ::getrlimit(RLIMIT_FSIZE, &files) == 0 ? files.rlim_cur : RLIM_INFINITY;
  const auto size = static_cast<off_t>(std::min<rlim_t>(kMostComplaints, most));
  Fd file(::memfd_create("channel-stderr", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file.valid() || ::ftruncate(file.get(), size) != 0 ||
      ::fcntl(file.get(), F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) != 0)
    return system_error("make room for what the channel's command says");
  return file;
}

// The first line that the command wrote to its stderr, for the person who has to mend it.
std::string first_complaint(int complaints) {
  std::string text(4096, '\0');
  const ssize_t count = ::pread(complaints, text.data(), text.size(), 0);
  if (count <= 0) return {};
  text.resize(static_cast<std::size_t>(count));
  return text.substr(0, text.find_first_of(std::string_view("\n\0", 2)));
}

std::string why_silent(ChannelProcess& process, int complaints, const Error& error) {
  const auto ended = process.wait(std::chrono::milliseconds(200));
  std::string words = ended ? "the command " + *ended : error.message();
  if (const std::string said = first_complaint(complaints); !said.empty())
    words += fmt::format(", saying \"{}\"", said);
  return words;
}

// As many supervisors of this user as there are such files start a channel to one node at a time.
// One that ends lets its place go; without a place to keep them, nobody waits.
Fd wait_for_turn(const std::string& node, const std::function<bool()>& given_up) {
  const auto directory = config::runtime_directory();
  while (directory && !given_up()) {
    for (int place = 0; place < kAtOnce; ++place) {
      auto file =
          open_file(fmt::format("{}/{}.turn-{}", *directory, node, place), O_RDWR | O_CREAT, 0600);
      if (!file) return {};
      if (::flock(file->get(), LOCK_EX | LOCK_NB) == 0) return std::move(*file);
    }
    std::this_thread::sleep_for(kLookForTurn);
  }
  return {};
}

}  // namespace

Result<PeerConnection> reach_peer(const std::vector<std::string>& command,
                                  const protocol::Hello& ours) {
  LLRUN_TRY_ASSIGN(const Fd complaints, room_for_complaints());
  LLRUN_TRY_ASSIGN(auto process, ChannelProcess::start(command, complaints.get()));
  auto theirs = greet(process->in(), process->out(), ours, kGreetingTimeout);
  if (!theirs && theirs.error().code == ErrorCode::kRefused)
    return failure(ErrorCode::kRefused, theirs.error().attempted);
  if (!theirs && theirs.error().code == ErrorCode::kProtocol)
    return failure(ErrorCode::kProtocol,
                   fmt::format("\"{}\": {}", fmt::join(command, " "), theirs.error().attempted));
  if (!theirs)
    return failure(
        theirs.error().code == ErrorCode::kTimeout ? ErrorCode::kTimeout : ErrorCode::kGone,
        fmt::format("\"{}\" does not reach llrund: {}", fmt::join(command, " "),
                    why_silent(*process, complaints.get(), theirs.error())));
  return PeerConnection{std::move(process), std::move(theirs->hello), std::move(theirs->holding)};
}

Result<PeerConnection> reach_peer_in_turn(const std::string& node,
                                          const std::vector<std::string>& command,
                                          const protocol::Hello& ours,
                                          const std::function<bool()>& given_up) {
  auto pause = kFirstPause;
  for (int tries = 1;; ++tries) {
    auto reached = [&] {
      const auto turn = wait_for_turn(node, given_up);
      return reach_peer(command, ours);
    }();
    // What was said by whoever is there counts at once, and so does silence.
    if (reached || reached.error().code != ErrorCode::kGone || tries == kMostTries || given_up())
      return reached;
    log::info("{}; trying again", reached.error().message());
    std::this_thread::sleep_for(pause);
    pause *= 2;
  }
}

}  // namespace llrun
