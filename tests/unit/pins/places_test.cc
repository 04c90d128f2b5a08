// Pins of where a process is, and of limits that leave no room.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/fd.h"
#include "descriptors/child.h"
#include "pins/expect_pin.h"
#include "tracer/objects/pins.h"
#include "tracer/remote/remote_memory.h"

namespace llrun::tracer {
namespace {

using test::Child;

std::string new_folder() {
  std::string folder = "/tmp/llrun-places-XXXXXX";
  EXPECT_NE(::mkdtemp(folder.data()), nullptr);
  return folder;
}

TEST(Places, ARemovedWorkingDirectoryPins) {
  const std::string folder = new_folder();
  const Child child = Child::run(
      [&] { return ::chdir(folder.c_str()) == 0 && ::rmdir(folder.c_str()) == 0 ? 0 : errno; });
  EXPECT_ONLY_PIN(process_pins(child.pid()), "working directory has been removed");
}

TEST(Places, ARenamedWorkingDirectoryDoesNot) {
  const std::string folder = new_folder();
  const std::string after = folder + ".renamed";
  const Child child = Child::run([&] {
    return ::chdir(folder.c_str()) == 0 && ::rename(folder.c_str(), after.c_str()) == 0 ? 0 : errno;
  });
  EXPECT_NO_PIN(process_pins(child.pid()));
  ::rmdir(after.c_str());
}

TEST(Places, AWorkingDirectoryThatMayNotBeEnteredAnyMorePins) {
  const std::string folder = new_folder();
  const Child child = Child::run(
      [&] { return ::chdir(folder.c_str()) == 0 && ::chmod(folder.c_str(), 0) == 0 ? 0 : errno; });
  EXPECT_ONLY_PIN(process_pins(child.pid()), "cannot be entered any more: Permission denied");
  ::rmdir(folder.c_str());
}

// Its name leads to what was mounted over it. In namespaces of its own, whose root sees no others.
TEST(Places, ACoveredWorkingDirectoryPins) {
  const std::string folder = new_folder();
  const pid_t observer = ::fork();
  if (observer == 0) {
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) ::_exit(1);
    const Child child = Child::run([&] { return ::chdir(folder.c_str()) == 0 ? 0 : errno; });
    if (::mount("none", folder.c_str(), "tmpfs", 0, nullptr) != 0) ::_exit(2);
    const auto pins = process_pins(child.pid());
    if (!pins) ::_exit(3);
    const bool told = std::ranges::any_of(*pins, [](const Pin& pin) {
      return pin.what.find("removed or covered") != std::string::npos;
    });
    ::_exit(told ? 0 : 4);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(observer, &status, 0), observer);
  EXPECT_EQ(status, 0);
  ::rmdir(folder.c_str());
}

// A directory whose name is longer than the kernel tells, entered step by step.
int enter_deeply(const std::string& folder) {
  const std::string step(200, 'd');
  if (::chdir(folder.c_str()) != 0) return errno;
  for (int depth = 0; depth < 25; ++depth)
    if (::mkdir(step.c_str(), 0700) != 0 || ::chdir(step.c_str()) != 0) return errno;
  return 0;
}

TEST(Places, ANameThatIsTooLongPins) {
  const std::string folder = new_folder();
  const Child in_it = Child::run([&] { return enter_deeply(folder); });
  EXPECT_ONLY_PIN(process_pins(in_it.pid()), "a name that is too long");
  const std::string other = new_folder();
  const Child has_a_file = Child::run([&] {
    if (const int problem = enter_deeply(other)) return problem;
    const int file = ::open("file", O_RDWR | O_CREAT, 0600);
    return file >= 0 && ::chdir("/") == 0 ? 0 : errno;
  });
  EXPECT_NO_PIN(process_pins(has_a_file.pid()));
  EXPECT_ONLY_PIN(descriptor_pins(has_a_file.pid()), "name is too long");
  for (const auto& each : {folder, other}) std::filesystem::remove_all(each);
}

TEST(Places, MemoryUpToItsLimitPins) {
  const auto limit_to = [](rlim_t spare) {
    const auto status = read_whole_file("/proc/self/statm").value_or("");
    const rlim_t now = std::stoull(status) * 4096 + spare;
    const rlimit limit{now, now};
    return ::setrlimit(RLIMIT_AS, &limit) == 0 ? 0 : errno;
  };
  const Child full = Child::run([&] { return limit_to(8 << 10); });
  EXPECT_ONLY_PIN(process_pins(full.pid()), "limit of address space");
  const Child roomy = Child::run([&] { return limit_to(1 << 20); });
  EXPECT_NO_PIN(process_pins(roomy.pid()));
}

// The kernel takes no data at all for the hard limit.
TEST(Places, ALimitOfNoDataAtAllDoesNot) {
  const Child child = Child::run([] {
    const rlimit limit{0, RLIM_INFINITY};
    return ::setrlimit(RLIMIT_DATA, &limit) == 0 ? 0 : errno;
  });
  EXPECT_NO_PIN(process_pins(child.pid()));
}

TEST(Places, AsManyMappingsAsThereMayBePin) {
  const Child full = Child::run([] {
    for (int protection = PROT_READ;; protection ^= PROT_READ)  // neighbours are kept apart
      if (::mmap(nullptr, kPageSize, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
        return errno == ENOMEM ? 0 : errno;
  });
  EXPECT_ONLY_PIN(process_pins(full.pid()), "all that a program may have");
}

TEST(Places, ATableOfDescriptorsWithoutRoomPins) {
  const auto fill = [](rlim_t hard) {
    const rlimit limit{16, hard};
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return errno;
    while (::open("/dev/null", O_RDONLY) >= 0) {
    }
    return errno == EMFILE ? 0 : errno;
  };
  const Child full = Child::run([&] { return fill(16); });
  EXPECT_ONLY_PIN(process_pins(full.pid()), "all that its hard limit allows");
  const Child can_be_raised = Child::run([&] { return fill(64); });
  EXPECT_NO_PIN(process_pins(can_be_raised.pid()));
}

}  // namespace
}  // namespace llrun::tracer
