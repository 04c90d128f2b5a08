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
                     const std::optional<ClockEstimate>& clocks, const std::string& direction,
                     std::vector<Finding>& findings) {
  for (const auto& comparison : compare(home, peer, clocks)) {
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
  if (!load.has_clock_offset_ms())
    return note("clock", "not measured yet", "", "ask again in a second");
  return ok("clock", fmt::format("{:+.1f} ms apart, to {:.1f} ms", load.clock_offset_ms(),
                                 load.clock_error_ms()));
}

// The other's minus ours; the other way round for what comes back.
std::optional<ClockEstimate> clocks_of(const protocol::Load& load, double direction) {
  if (!load.has_clock_offset_ms()) return std::nullopt;
  ClockEstimate clocks;
  clocks.realtime_ns = std::llround(direction * load.clock_offset_ms() * 1e6);
  clocks.error_ns = std::llround(load.clock_error_ms() * 1e6);
  return clocks;
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
  there.set_hosts_guests(true);  // said above
  add_comparisons(here, there, clocks_of(load, 1), "there", findings);
  add_comparisons(there, here, clocks_of(load, -1), "back", findings);
  return findings;
}

}  // namespace llrun::doctor
