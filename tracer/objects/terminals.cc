#include "tracer/objects/terminals.h"

#include <asm/ioctls.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>

#include "tracer/objects/descriptors_view.h"

namespace llrun::tracer {
namespace {

// Documentation/admin-guide/devices.txt
constexpr unsigned kMemoryMajor = 1;
constexpr unsigned kConsoleMajor = 4;
constexpr unsigned kFirstSerialMinor = 64;
constexpr unsigned kTtyMajor = 5;
constexpr unsigned kTtyMinor = 0;
constexpr unsigned kPtmxMinor = 2;
constexpr unsigned kFirstPtsMajor = 136;
constexpr unsigned kLastPtsMajor = 143;
constexpr unsigned kPtsOfAMajor = 1 << 20;  // MINORBITS
constexpr std::array kPlainMinors = {3U, 5U, 7U, 8U, 9U};

Pin other_device(const DescriptorView& view) {
  const dev_t number = view.about.st_rdev;
  if (major(number) == kTtyMajor && minor(number) == kPtmxMinor)
    return {view.name() + " is the master of a pseudo-terminal",
            "it can move once the program has closed it"};
  return {view.name() + " is the device " + view.link,
          "a device is of this node alone: it can move once the program has closed it"};
}

}  // namespace

namespace {

Pin closed_terminal_pin(int fd, const std::string& path) {
  return {"fd " + std::to_string(fd) + " is the terminal " + path + ", which has been closed",
          "it can move once the program has closed it; what is to outlive its terminal is started "
          "with input and output in files, or in screen or tmux"};
}

Pin console_pin(int fd, const std::string& path) {
  return {"fd " + std::to_string(fd) + " is " + path + ", a console of this machine alone",
          "start it in a terminal window, or through ssh, screen, tmux or script"};
}

}  // namespace

std::optional<Pin> terminal_pin(const image::Description& record) {
  if (record.path().ends_with(" (deleted)"))
    return closed_terminal_pin(record.representative_fd(), record.path());
  if (major(record.device_number()) == kConsoleMajor)
    return console_pin(record.representative_fd(), record.path());
  return std::nullopt;
}

std::optional<Pin> name_terminal(int duplicate, image::Description& record) {
  const auto behind = terminal_behind(duplicate);
  if (!behind) return closed_terminal_pin(record.representative_fd(), record.path());
  record.set_device_number(*behind);
  return terminal_pin(record);
}

bool is_terminal(dev_t number) {
  const unsigned kind = major(number);
  return (kind >= kFirstPtsMajor && kind <= kLastPtsMajor) ||
         (kind == kTtyMajor && minor(number) == kTtyMinor) ||
         (kind == kConsoleMajor && minor(number) < kFirstSerialMinor);
}

std::optional<int> pseudo_terminal_number(dev_t number) {
  const unsigned kind = major(number);
  if (kind < kFirstPtsMajor || kind > kLastPtsMajor || minor(number) >= kPtsOfAMajor)
    return std::nullopt;
  return static_cast<int>((kind - kFirstPtsMajor) * kPtsOfAMajor + minor(number));
}

Result<dev_t> terminal_behind(int fd) {
  unsigned number = 0;
  if (::ioctl(fd, TIOCGDEV, &number) != 0) return system_error("ask which terminal it is");
  return dev_t{number};  // drivers/tty/tty_io.c: new_encode_dev(), which is dev_t's lower half
}

bool is_plain_device(dev_t number) {
  return major(number) == kMemoryMajor && std::ranges::count(kPlainMinors, minor(number)) > 0;
}

Verdict judge_character_device(const DescriptorView& view) {
  const bool terminal = is_terminal(view.about.st_rdev);
  if (!terminal && !is_plain_device(view.about.st_rdev)) return other_device(view);
  auto record = describe(
      view, terminal ? image::Description::KIND_TERMINAL : image::Description::KIND_DEVICE);
  record.set_device_number(view.about.st_rdev);
  return record;
}

}  // namespace llrun::tracer
