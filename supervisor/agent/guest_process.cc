#include "supervisor/agent/guest_process.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/bytes.h"
#include "base/spawn.h"

namespace llrun::agent {
namespace {

// Where the child finds its descriptors; sources are moved above so that none is overwritten before
// its turn.
constexpr std::array kTargets{3, 4, 5, 6};
constexpr int kFirstFree = 7;

Result<Fd> hello_file(const std::string& bytes) {
  Fd file(::memfd_create("hello", MFD_CLOEXEC));
  if (!file.valid()) return system_error("make a memory file for a hello");
  LLRUN_TRY(write_all(file.get(), bytes_of(std::string_view(bytes))));
  if (::lseek(file.get(), 0, SEEK_SET) != 0) return system_error("rewind a hello");
  return file;
}

Result<Fd> above_targets(int fd) {
  Fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, kFirstFree));
  if (!copy.valid()) return system_error("duplicate a channel's descriptor");
  return copy;
}

std::vector<std::string> environment_for(const std::string& node) {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry)
    if (std::strncmp(*entry, "LLRUN_NAME=", 11) != 0) result.emplace_back(*entry);
  result.push_back("LLRUN_NAME=" + node);
  return result;
}

std::vector<std::string> words_for(const GuestStart& start) {
  std::vector<std::string> words{start.program, "guest", "--in",       "3", "--out",   "4",
                                 "--lifeline",  "5",     "--hello-fd", "6", start.mark};
  const auto add = [&words](const char* option, std::string value) {
    words.insert(words.end(), {option, std::move(value)});
  };
  if (start.nice != 0) add("--nice", std::to_string(start.nice));
  if (start.processes != 0) add("--processes", std::to_string(start.processes));
  if (start.cores != 0) add("--cores", std::to_string(start.cores));
  for (const auto& group : start.groups) add("--group", group);
  return words;
}

}  // namespace

Result<GuestProcess> start_guest_supervisor(const GuestStart& start, const ChannelEnds& ends) {
  LLRUN_TRY_ASSIGN(const Fd hello, hello_file(start.hello));
  Spawn spawn;
  std::vector<Fd> sources;
  for (const int fd : {ends.in.get(), ends.out.get(), ends.lifeline.get(), hello.get()}) {
    LLRUN_TRY_ASSIGN(auto source, above_targets(fd));
    spawn.give(source.get(), kTargets[sources.size()]);
    sources.push_back(std::move(source));
  }
  for (const int fd : {0, 1, 2}) spawn.give_null(fd, O_RDWR);
  spawn.close_from(kFirstFree).new_session();
  GuestProcess guest;
  LLRUN_TRY_ASSIGN(guest.pid, spawn.run(words_for(start), environment_for(start.node)));
  guest.pidfd = Fd(static_cast<int>(::syscall(SYS_pidfd_open, guest.pid, 0)));
  if (!guest.pidfd.valid()) return system_error("watch the supervisor of a guest");
  return guest;
}

}  // namespace llrun::agent
