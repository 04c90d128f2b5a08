// main() of the tests: as root it becomes an ordinary user without any capability; as anybody else
// it stays.
//
// With --subordinate that user has subordinate ids, by files that this process alone sees.
#include <grp.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/fd.h"
#include "tests/kernel/world/test_world.h"

namespace llrun::testing {
namespace {
bool subordinate = false;
constexpr unsigned kUser = 54321;

void must(bool good, const char* what) {
  if (good) return;
  std::perror(what);
  std::exit(2);
}

void overlay_file(const char* path, const std::string& text) {
  std::string copy = "/tmp/llrun-test-XXXXXX";
  const int fd = ::mkstemp(copy.data());
  must(fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
           ::fchmod(fd, 0644) == 0,
       "write a test's copy");
  ::close(fd);
  must(::mount(copy.c_str(), path, nullptr, MS_BIND, nullptr) == 0, path);
  ::unlink(copy.c_str());
}

void drop_bounding_set() {
  for (unsigned long capability = 0; capability <= CAP_LAST_CAP; ++capability)
    ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
}

void become_user() {
  must(::unshare(CLONE_NEWNS) == 0 &&
           ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0,
       "private mounts");
  const std::string line =
      std::to_string(kUser) + (subordinate ? ":700000:65536\n" : ":700000:100\n");
  for (const char* path : {"/etc/subuid", "/etc/subgid"}) overlay_file(path, line);
  const auto accounts = read_whole_file("/etc/passwd");
  must(accounts.has_value(), "/etc/passwd");
  // newuidmap wants to know its user's name.
  overlay_file("/etc/passwd", *accounts + "llrun-test:x:" + std::to_string(kUser) + ":" +
                                  std::to_string(kUser) + "::/:/bin/sh\n");
  if (!subordinate) drop_bounding_set();
  must(::setgroups(0, nullptr) == 0 && ::setresgid(kUser, kUser, kUser) == 0 &&
           ::setresuid(kUser, kUser, kUser) == 0,
       "become an ordinary user");
  ::prctl(PR_SET_DUMPABLE, 1);
}

}  // namespace
bool subordinate_run() { return subordinate; }
}  // namespace llrun::testing

int main(int argc, char** argv) {
  using namespace llrun::testing;
  ::testing::InitGoogleTest(&argc, argv);
  subordinate = argc > 1 && std::strcmp(argv[1], "--subordinate") == 0;
  if (::geteuid() == 0) become_user();
  return RUN_ALL_TESTS();
}
