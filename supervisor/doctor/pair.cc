#include "supervisor/doctor/pair.h"

#include <fmt/format.h>

#include <cmath>

#include "supervisor/protocol/version.h"
#include "supervisor/traits/traits.h"

namespace llrun::doctor {
namespace {

constexpr double kSlowRoundTrip_us = 20'000;
constexpr double kThinLink = 10;  // MiB/s

Finding version(const protocol::Hello& theirs) {
  if (theirs.version() == kProtocolVersion)
    return ok("protocol", fmt::format("both speak version {}", kProtocolVersion));
  return missing(
      "protocol",
      fmt::format("it speaks version {}, this node {}", theirs.version(), kProtocolVersion),
      "nothing moves between them", "install the same llrun on both");
}

// Each aspect on which a move would be refused.
void add_comparisons(const protocol::NodeTraits& home, const protocol::NodeTraits& peer,
                     std::chrono::nanoseconds round_trip, const std::string& direction,
                     std::vector<Finding>& findings) {
  for (const auto& comparison : compare(home, peer, round_trip)) {
    const auto about = fmt::format("{} ({})", comparison.about, direction);
    if (!comparison.refusal) {
      findings.push_back(ok(about, "fits"));
    } else {
      findings.push_back(
          missing(about, *comparison.refusal, "programs do not go that way", comparison.remedy));
    }
  }
}

Finding round_trip(const protocol::Load& load) {
  if (load.rtt_us() <= 0)
    return note("round trip", "not measured yet", "", "ask again in a second");
  const auto said = fmt::format("{:.2f} ms", load.rtt_us() / 1000);
  if (load.rtt_us() < kSlowRoundTrip_us) return ok("round trip", said);
  return note("round trip", said, "each call that is executed at home takes that long",
              "a nearer peer, or programs that rarely call home");
}

Finding bandwidth(const protocol::Load& load) {
  if (load.bandwidth() <= 0)
    return note("bandwidth", "not known: nothing has moved there yet", "1 Gbit/s is reckoned with",
                "");
  const auto said = fmt::format("{:.0f} MiB/s, as moves have shown", load.bandwidth());
  if (load.bandwidth() >= kThinLink) return ok("bandwidth", said);
  return note("bandwidth", said, "only programs with little memory will be worth moving", "");
}

Finding clock_of(const protocol::Load& load) {
  return ok("clock", fmt::format("{:+.0f} ms apart", load.clock_offset_ms()));
}

Finding door(const protocol::Load& load) {
  if (load.accepts()) return ok("guests", "it takes guests");
  return missing("guests", "it takes no guests: " + load.accepts_why_not(), "nothing moves there",
                 "");
}

}  // namespace

std::vector<Finding> examine_pair(const protocol::Hello& theirs, const protocol::Load& load) {
  std::vector<Finding> findings{version(theirs), door(load), clock_of(load), round_trip(load),
                                bandwidth(load)};
  const auto here = local_traits();
  auto there = theirs.traits();
  // What it said of its clock is as old as the channel.
  const auto ahead_ns = static_cast<std::int64_t>(std::llround(load.clock_offset_ms() * 1e6));
  there.set_realtime_ns(here.realtime_ns() + static_cast<std::uint64_t>(ahead_ns));
  there.set_hosts_guests(true);  // said above
  const auto trip = std::chrono::nanoseconds(std::llround(load.rtt_us() * 1000));
  add_comparisons(here, there, trip, "there", findings);
  add_comparisons(there, here, trip, "back", findings);
  return findings;
}

}  // namespace llrun::doctor
