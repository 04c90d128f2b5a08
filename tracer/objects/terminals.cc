#include "tracer/objects/terminals.h"

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

bool is_terminal(dev_t number) {
  const unsigned kind = major(number);
  return (kind >= kFirstPtsMajor && kind <= kLastPtsMajor) ||
         (kind == kTtyMajor && minor(number) == kTtyMinor) ||
         (kind == kConsoleMajor && minor(number) < kFirstSerialMinor);
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
