#include "base/spawn.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <functional>

#include "base/fd.h"

namespace llrun {
namespace {

// What a shell script says when it is started so. Its output is given before `prepare` may close
// the rest.
std::string said(const std::string& script, const std::function<void(Spawn&)>& prepare,
                 const std::vector<std::string>& environment = {"PATH=/usr/bin:/bin"}) {
  auto pipe = make_pipe().value();
  Spawn spawn;
  spawn.give(pipe.second.get(), 1);
  prepare(spawn);
  const auto pid = spawn.run(std::vector<std::string>{"sh", "-c", script}, environment);
  if (!pid) return pid.error().message();
  pipe.second.reset();
  std::string text;
  char byte = 0;
  while (::read(pipe.first.get(), &byte, 1) == 1) text += byte;
  ::waitpid(*pid, nullptr, 0);
  return text;
}
void as_is(Spawn&) {}

TEST(Spawn, GivesWhatItIsTold) {
  EXPECT_EQ(said("read line || echo nothing; echo lost >&2; echo $WORD",
                 [](Spawn& spawn) { spawn.give_null(0, O_RDONLY).give_null(2, O_WRONLY); },
                 {"WORD=kept"}),
            "nothing\nkept\n");
}

TEST(Spawn, KeepsTheRest) {
  const Fd left_open(::open("/dev/null", O_RDONLY));  // without close-on-exec
  ASSERT_GT(left_open.get(), 2);
  const auto script = "[ -e /proc/self/fd/" + std::to_string(left_open.get()) + " ] && echo has it";
  EXPECT_EQ(said(script, as_is), "has it\n");
  EXPECT_EQ(said(script, [](Spawn& spawn) { spawn.close_from(3); }), "");
}

// The bit of one signal in a line of /proc/self/status.
bool has_bit(const std::string& status, const std::string& line, int signal) {
  const auto at = status.find(line + ":\t");
  EXPECT_NE(at, std::string::npos) << status;
  return (std::stoull(status.substr(at + line.size() + 2), nullptr, 16) >> (signal - 1) & 1) != 0;
}

TEST(Spawn, BeginsWithDefaultSignals) {
  sigset_t blocked, before;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &blocked, &before), 0);
  const auto old = ::signal(SIGPIPE, SIG_IGN);
  const auto own = read_whole_file("/proc/thread-self/status").value();
  const auto status = said("cat /proc/self/status", as_is);
  ::signal(SIGPIPE, old);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  EXPECT_TRUE(has_bit(own, "SigBlk", SIGTERM) && has_bit(own, "SigIgn", SIGPIPE));
  EXPECT_FALSE(has_bit(status, "SigBlk", SIGTERM));
  EXPECT_FALSE(has_bit(status, "SigIgn", SIGPIPE));
}

TEST(Spawn, MakesASession) {
  const auto session = std::to_string(::getsid(0));
  const std::string script = "cut -d' ' -f6 /proc/$$/stat";
  EXPECT_EQ(said(script, as_is), session + "\n");
  EXPECT_NE(said(script, [](Spawn& spawn) { spawn.new_session(); }), session + "\n");
}

TEST(Spawn, SaysWhyNot) {
  const auto pid = Spawn().run(std::vector<std::string>{"/no/such/program"});
  ASSERT_FALSE(pid);
  EXPECT_EQ(pid.error().errno_value, ENOENT);
  EXPECT_NE(pid.error().message().find("/no/such/program"), std::string::npos);
  EXPECT_FALSE(Spawn().run(std::vector<std::string>{}));
}

}  // namespace
}  // namespace llrun
