// Pins of where a process is, and of limits that leave no room.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

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
