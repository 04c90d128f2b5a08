#include "supervisor/leftovers/leftovers.h"

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <tuple>

#include "base/fd.h"
#include "supervisor/config/paths.h"
#include "supervisor/leftovers/process_table.h"

namespace llrun::leftovers {
namespace {

Process process(int pid, int parent, const char* name, const char* executable,
                std::uint64_t space = 1, const char* view = "") {
  Process made;
  made.pid = pid;
  made.parent = parent;
  made.state = 'S';
  made.name = name;
  made.executable = executable;
  made.user_namespace = space;
  made.view = view;
  return made;
}

class JudgeTest : public testing::Test {
 protected:
  // A living guest: supervisor, warden, init, two placeholders, guest.
  void SetUp() override {
    put(process(10, 1, "llrun-superviso", "llrun-supervisor"));
    put(process(11, 10, "llrun-warden", "llrun-supervisor", 7));
    put(process(12, 11, "llrun-init", "", 0));
    put(process(13, 12, "povray", "povray", 7, "0:52"));
    put(process(14, 12, "llrun-init", "", 0));
    put(process(15, 14, "llrun-init", "", 0));
    put(process(20, 1, "bash", "bash"));
  }
  void put(const Process& made) { table_[made.pid] = made; }
  std::vector<int> left() {
    std::vector<int> pids;
    for (const auto& verdict : judge(table_)) pids.push_back(verdict.pid);
    return pids;
  }
  ProcessTable table_;
};

TEST_F(JudgeTest, ALivingJobIsNoLeftover) { EXPECT_EQ(left(), std::vector<int>{}); }

TEST_F(JudgeTest, AWorldWithoutItsSupervisorIs) {
  table_.erase(10);
  table_[11].parent = 1;
  EXPECT_EQ(left(), (std::vector<int>{11, 12, 13, 14, 15}));
  table_.erase(11);
  table_[12].parent = 1;
  EXPECT_EQ(left(), (std::vector<int>{12, 13, 14, 15}));
}

TEST_F(JudgeTest, AWorldOfASupervisorWhoseExecutableCannotBeSeenIsNone) {
  table_[10].executable.clear();
  EXPECT_EQ(left(), std::vector<int>{});
}

TEST_F(JudgeTest, WorldsOfOthersAreNone) {
  put(process(30, 1, "podman", "podman", 9));
  put(process(31, 30, "sh", "sh", 9, ""));
  EXPECT_EQ(left(), std::vector<int>{});
}

TEST_F(JudgeTest, AShadowIsOneWhenNobodyTracesIt) {
  auto shadow = process(40, 20, "povray", "povray");
  shadow.only_stub = true;
  shadow.tracer = 41;
  put(shadow);
  EXPECT_EQ(left(), std::vector<int>{});
  table_[40].tracer = 0;
  EXPECT_EQ(left(), std::vector<int>{40});
  table_[40].state = 'Z';
  EXPECT_EQ(left(), std::vector<int>{}) << "it has ended; its parent has not looked yet";
}

// A socket is a leftover until somebody listens on it, so that is what is waited for.
bool listens(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (std::chrono::steady_clock::now() < deadline) {
    const Fd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0)
      return true;
    ::sched_yield();
  }
  return false;
}

class MadeLeftovers : public testing::Test {
 protected:
  void SetUp() override {
    char path[] = "/tmp/llrun-left-XXXXXX";
    ASSERT_NE(::mkdtemp(path), nullptr);
    top_ = path;
    ::setenv("LLRUN_RUNTIME_ROOT", path, 1);
    ::setenv("XDG_STATE_HOME", path, 1);
    ASSERT_EQ(::mkdir((top_ + "/tmp").c_str(), 0700), 0);
    sockets_ = top_ + "/tmp/llrun-" + std::to_string(::getuid());
    ASSERT_EQ(::mkdir(sockets_.c_str(), 0700), 0);
  }
  void TearDown() override { ASSERT_EQ(std::system(("rm -r " + top_).c_str()), 0); }
  // Removes what of this kind is found, and says how many.
  static int remove(const std::string& kind) {
    int count = 0;
    for (const auto& leftover : find()) {
      if (leftover.kind != kind) continue;
      const auto removed = leftover.remove();
      EXPECT_TRUE(removed) << removed.error().message();
      ++count;
    }
    return count;
  }
  std::string top_, sockets_;
};

TEST_F(MadeLeftovers, AnUnfinishedFileThatNobodyWrites) {
  const auto directory = config::state_directory();
  ASSERT_TRUE(directory) << directory.error().message();
  const auto path = [&](const char* name) { return *directory + "/" + name; };
  for (const auto* name : {"dead.llrun-part", "live.llrun-part", "whole"})
    std::ofstream(path(name)) << "bytes";
  const Fd written(::open(path("live.llrun-part").c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(written.valid());
  ASSERT_EQ(::flock(written.get(), LOCK_EX), 0);
  EXPECT_EQ(remove("image"), 1);
  EXPECT_EQ(remove("image"), 0) << "what is being written, and what is whole, stay";
  EXPECT_NE(::access(path("dead.llrun-part").c_str(), F_OK), 0);
  EXPECT_EQ(::access(path("live.llrun-part").c_str(), F_OK), 0);
  EXPECT_EQ(::access(path("whole").c_str(), F_OK), 0);
}

TEST_F(MadeLeftovers, ASocketThatNobodyListensOn) {
  const auto make = [&](const std::string& name, bool stays) {
    const auto script =
        "import socket, sys\ns = socket.socket(socket.AF_UNIX, "
        "socket.SOCK_SEQPACKET)\ns.bind('" +
        sockets_ + "/" + name + "')\ns.listen()\nprint('x', flush=True)\n" +
        (stays ? std::string("sys.stdin.read()") : std::string());
    return ::popen(("/usr/bin/python3 -c \"" + script + "\"").c_str(), stays ? "w" : "r");
  };
  FILE* dead = make("dead.sock", false);
  EXPECT_EQ(std::fgetc(dead), 'x');
  ::pclose(dead);
  std::ofstream(sockets_ + "/dead.loads") << "old";
  FILE* living = make("living.sock", true);
  ASSERT_TRUE(listens(sockets_ + "/living.sock"));
  EXPECT_EQ(remove("socket"), 1);
  EXPECT_NE(::access((sockets_ + "/dead.sock").c_str(), F_OK), 0);
  EXPECT_NE(::access((sockets_ + "/dead.loads").c_str(), F_OK), 0);
  EXPECT_EQ(::access((sockets_ + "/living.sock").c_str(), F_OK), 0);
  ::pclose(living);
}

TEST_F(MadeLeftovers, AWardenWithoutASupervisorIsEnded) {
  int named[2];
  ASSERT_EQ(::pipe2(named, O_CLOEXEC), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_NAME, "llrun-warden");
    std::ignore = ::write(named[1], "x", 1);
    ::pause();
    ::_exit(0);
  }
  char told = 0;
  ASSERT_EQ(::read(named[0], &told, 1), 1);
  ::close(named[0]);
  ::close(named[1]);
  const pid_t bystander = ::fork();
  if (bystander == 0) {
    ::pause();
    ::_exit(0);
  }
  EXPECT_EQ(remove("guest"), 1);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(::kill(bystander, 0), 0);
  EXPECT_EQ(::waitpid(bystander, &status, WNOHANG), 0) << "what is not ours lives";
  ::kill(bystander, SIGKILL);
  ::waitpid(bystander, &status, 0);
}

}  // namespace
}  // namespace llrun::leftovers

// As a user that nobody else on this machine is: whatever of his is left over is this test's.
int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (::getuid() == 0) {
    const auto id = static_cast<uid_t>(200'000 + ::getpid());
    if (::setgroups(0, nullptr) != 0 || ::setresgid(id, id, id) != 0 ||
        ::setresuid(id, id, id) != 0)
      return 1;
    ::prctl(PR_SET_DUMPABLE, 1);
  }
  return RUN_ALL_TESTS();
}
