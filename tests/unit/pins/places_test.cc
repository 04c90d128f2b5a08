// Pins of where a process is, and of limits that leave no room.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string>

#include "descriptors/child.h"
#include "pins/expect_pin.h"
#include "tracer/objects/pins.h"

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
