#include <algorithm>
#include <cstdint>
#include <set>
#include <vector>

#include "supervisor/traits/cpu.h"
#include "supervisor/traits/traits.h"

namespace llrun {
namespace {

constexpr std::int64_t kClockTolerance = 1'000'000'000;
using Refusal = std::optional<std::string>;

Refusal compare_hosting(const protocol::NodeTraits& peer) {
  if (peer.hosts_guests()) return std::nullopt;
  return "the peer takes no guests: " + peer.hosts_guests_why_not();
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

Refusal compare_cpu(const protocol::NodeTraits& home, const protocol::NodeTraits& peer) {
  // The places in the extended state area differ between vendors, even where the features are the
  // same.
  if (home.cpu_vendor() != peer.cpu_vendor())
    return "the peer's CPU is of another make (" + peer.cpu_vendor() + ", here " +
           home.cpu_vendor() + ")";
  const std::set<std::string> there(peer.cpu_flags().begin(), peer.cpu_flags().end());
  std::vector<std::string> missing;
  std::ranges::copy_if(home.cpu_flags(), std::back_inserter(missing), [&](const auto& flag) {
    return traits::matters_to_programs(flag) && !there.contains(flag);
  });
  if (!missing.empty())
    return "the peer's CPU lacks what programs started here may use: " + joined(missing);
  return std::nullopt;
}

Refusal compare_extended_state(const protocol::NodeTraits& home, const protocol::NodeTraits& peer) {
  if ((home.xcr0() & ~peer.xcr0()) != 0)
    return "the peer's kernel does not keep all the CPU registers that programs started here may "
           "use";
  // Programs sized their buffers for XSAVE by what the CPU said when they were started.
  if (peer.xsave_size() > home.xsave_size())
    return "the peer's CPU state is larger (" + std::to_string(peer.xsave_size()) +
           " bytes) than programs "
           "started here have room for (" +
           std::to_string(home.xsave_size()) + ")";
  return std::nullopt;
}

Refusal compare_kernel(const protocol::NodeTraits& home, const protocol::NodeTraits& peer) {
  if (home.vdso().empty() || peer.vdso().empty())
    return std::string(home.vdso().empty() ? "this node's" : "the peer's") +
           " kernel gives programs no vdso that could be compared";
  if (home.vdso() != peer.vdso())
    return "the peer's kernel (" + peer.kernel_release() +
           ") gives programs another vdso than this one (" + home.kernel_release() + ")";
  const bool known = !home.vdso_parts().empty() && !peer.vdso_parts().empty();
  if (known && home.vdso_parts() != peer.vdso_parts())
    return "the peer's kernel (" + peer.kernel_release() +
           ") lays out the data of its vdso in another way than this one (" +
           home.kernel_release() + ")";
  return std::nullopt;
}

Refusal compare_seal(const protocol::NodeTraits& peer) {
  if (!peer.vdso_sealed()) return std::nullopt;
  return "the peer's kernel (" + peer.kernel_release() +
         ") seals the vdso of its programs (CONFIG_MSEAL_SYSTEM_MAPPINGS), which so cannot be "
         "moved to where a program from here has it";
}

std::string seconds(std::int64_t nanoseconds) {
  const auto tenths = (nanoseconds + 50'000'000) / 100'000'000;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

Refusal compare_clocks(const std::optional<ClockEstimate>& clocks) {
  if (!clocks) return std::nullopt;
  const auto difference = clocks->realtime_ns;
  const auto distance = difference < 0 ? -difference : difference;
  if (distance - clocks->error_ns <= kClockTolerance) return std::nullopt;
  return "the peer's clock is " + seconds(distance) + (difference < 0 ? " behind" : " ahead") +
         ", and programs would see it jump: let both nodes keep their clocks by NTP";
}

}  // namespace

std::vector<Comparison> compare(const protocol::NodeTraits& home, const protocol::NodeTraits& peer,
                                const std::optional<ClockEstimate>& clocks) {
  return {{"hosting", compare_hosting(peer), "llrunctl doctor there says what would change that"},
          {"CPU features", compare_cpu(home, peer), "a node with the same kind of CPU"},
          {"CPU state", compare_extended_state(home, peer), "a node with the same kind of CPU"},
          {"kernel", compare_kernel(home, peer), "the same kernel on both nodes"},
          {"vdso", compare_seal(peer), "a kernel without CONFIG_MSEAL_SYSTEM_MAPPINGS there"},
          {"clocks", compare_clocks(clocks), "timedatectl set-ntp true on both nodes"}};
}

std::optional<std::string> why_not(const protocol::NodeTraits& home,
                                   const protocol::NodeTraits& peer,
                                   const std::optional<ClockEstimate>& clocks) {
  for (const auto& comparison : compare(home, peer, clocks))
    if (comparison.refusal) return comparison.refusal;
  return std::nullopt;
}

}  // namespace llrun
