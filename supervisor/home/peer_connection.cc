#include "supervisor/home/peer_connection.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/mman.h>
#include <unistd.h>

#include "supervisor/job/greeting.h"

namespace llrun {
namespace {

constexpr std::chrono::milliseconds kGreetingTimeout{20'000};

// The first line that the command wrote to its stderr, for the person who has to mend it.
std::string first_complaint(int complaints) {
  std::string text(4096, '\0');
  const ssize_t count = ::pread(complaints, text.data(), text.size(), 0);
  if (count <= 0) return {};
  text.resize(static_cast<std::size_t>(count));
  return text.substr(0, text.find('\n'));
}

std::string why_silent(ChannelProcess& process, int complaints, const Error& error) {
  const auto ended = process.wait(std::chrono::milliseconds(200));
  std::string words = ended ? "the command " + *ended : error.message();
  if (const std::string said = first_complaint(complaints); !said.empty())
    words += fmt::format(", saying \"{}\"", said);
  return words;
}

}  // namespace

Result<PeerConnection> reach_peer(const std::vector<std::string>& command,
                                  const protocol::Hello& ours) {
  const Fd complaints(::memfd_create("channel-stderr", MFD_CLOEXEC));
  if (!complaints.valid()) return system_error("make room for what the channel's command says");
  LLRUN_TRY_ASSIGN(auto process, ChannelProcess::start(command, complaints.get()));
  auto theirs = greet(process->in(), process->out(), ours, kGreetingTimeout);
  if (!theirs && theirs.error().code == ErrorCode::kRefused)
    return failure(ErrorCode::kRefused, theirs.error().attempted);
  if (!theirs)
    return failure(ErrorCode::kGone,
                   fmt::format("\"{}\" does not reach llrund: {}", fmt::join(command, " "),
                               why_silent(*process, complaints.get(), theirs.error())));
  return PeerConnection{std::move(process), std::move(*theirs)};
}

}  // namespace llrun
