#include "supervisor/traits/traits.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "supervisor/traits/cpu.h"

namespace llrun {
namespace {

protocol::NodeTraits node() {
  protocol::NodeTraits traits;
  traits.set_cpu_vendor("GenuineIntel");
  for (const char* flag : {"sse2", "avx2", "hypervisor", "smap"}) traits.add_cpu_flags(flag);
  traits.set_xcr0(7);
  traits.set_xsave_size(832);
  traits.set_vdso("0123456789abcdef");
  traits.set_vdso_parts("vvar+0:4000 vdso+4000:2000");
  traits.set_kernel_release("6.1.0");
  traits.set_hosts_guests(true);
  return traits;
}

TEST(Traits, EqualNodesExchangePrograms) { EXPECT_EQ(why_not(node(), node()), std::nullopt); }

void expect_refused(const protocol::NodeTraits& peer, const char* because) {
  const auto why = why_not(node(), peer);
  ASSERT_TRUE(why) << because;
  EXPECT_NE(why->find(because), std::string::npos) << *why;
}

TEST(Traits, APeerMustHaveTheFeaturesThatProgramsMayUse) {
  auto peer = node();
  peer.clear_cpu_flags();
  peer.add_cpu_flags("sse2");
  expect_refused(peer, "avx2");
  // What only the kernel uses, and what the peer has besides, is no matter.
  peer.add_cpu_flags("avx2");
  peer.add_cpu_flags("avx512f");
  EXPECT_EQ(why_not(node(), peer), std::nullopt);
  peer.set_cpu_vendor("AuthenticAMD");
  expect_refused(peer, "another make");
}

TEST(Traits, ThePeersRegistersMustFitIntoWhatProgramsHaveRoomFor) {
  auto peer = node();
  peer.set_xsave_size(2696);
  expect_refused(peer, "2696");
  peer = node();
  peer.set_xcr0(3);
  expect_refused(peer, "registers");
  peer = node();
  peer.set_xsave_size(576);
  EXPECT_EQ(why_not(node(), peer), std::nullopt);
}

TEST(Traits, TheVdsoMustBeMovable) {
  auto peer = node();
  peer.set_vdso_sealed(true);
  expect_refused(peer, "seals the vdso");
  peer = node();
  peer.set_vdso_parts("vvar+0:4000 vdso+6000:2000");
  expect_refused(peer, "lays out the data of its vdso");
  peer.set_vdso_parts("");  // it could not tell
  EXPECT_EQ(why_not(node(), peer), std::nullopt);
}

TEST(Traits, ANodeTellsWhatItsKernelHas) {
  const auto own = local_traits();
  EXPECT_NE(own.vdso_parts().find("vdso+"), std::string::npos) << own.vdso_parts();
  EXPECT_GT(own.most_mappings(), 1000U);
  EXPECT_GT(own.largest_pipe(), 4096U);
}

TEST(Traits, TheVdsoMustBeTheSame) {
  auto peer = node();
  peer.set_vdso("another");
  peer.set_kernel_release("6.2.0");
  expect_refused(peer, "6.2.0");
  peer.set_vdso("");
  expect_refused(peer, "no vdso");
}

TEST(Traits, ClocksMayDifferByASecondBesideWhatIsNotKnown) {
  const auto words = [](std::int64_t ahead_ms, std::int64_t error_ms) {
    const ClockEstimate clocks{0, 0, ahead_ms * 1'000'000, error_ms * 1'000'000};
    return why_not(node(), node(), clocks).value_or("");
  };
  EXPECT_EQ(words(-1000, 0), "");
  EXPECT_NE(words(-1200, 0).find("1.2 s behind"), std::string::npos);
  EXPECT_EQ(words(-1200, 200), "") << "it may be one second";
  EXPECT_NE(words(-1201, 200), "");
  EXPECT_NE(words(3000, 1).find("3.0 s ahead"), std::string::npos);
  EXPECT_EQ(why_not(node(), node()), std::nullopt) << "not known is not apart";
}

TEST(Traits, APeerThatHostsNobodySaysWhy) {
  auto peer = node();
  peer.set_hosts_guests(false);
  peer.set_hosts_guests_why_not("sysctl x is 0");
  expect_refused(peer, "sysctl x is 0");
}

TEST(Traits, ThisNodeIsLikeItself) {
  const auto here = local_traits();
  EXPECT_EQ(here.vdso().size(), 16U);
  EXPECT_FALSE(here.cpu_vendor().empty());
  EXPECT_GT(here.cpu_flags_size(), 0);
  EXPECT_NE(here.kernel_release(), "");
  const auto later = local_traits();
  EXPECT_EQ(why_not(here, later), std::nullopt);
}

TEST(Traits, ReadsTheFirstProcessor) {
  const auto info = traits::parse_cpuinfo(
      "processor\t: 0\nvendor_id\t: A\nflags\t\t: x y\nvmx flags\t: z\n\nprocessor\t: "
      "1\nvendor_id\t: B\n");
  EXPECT_EQ(info.vendor, "A");
  EXPECT_EQ(info.flags, (std::vector<std::string>{"x", "y"}));
}

TEST(Traits, AVdsoIsHashedOnlyIfItIsOne) {
  const auto vdso = traits::own_vdso();
  ASSERT_FALSE(vdso.empty());
  std::vector<std::byte> copy(vdso.begin(), vdso.end());
  const auto hash = traits::vdso_hash(copy);
  ASSERT_TRUE(hash) << hash.error().message();
  EXPECT_EQ(*hash, traits::vdso_hash(vdso).value_or(""));
  std::vector<std::byte> changed = copy;
  changed.back() ^= std::byte{1};
  EXPECT_NE(traits::vdso_hash(changed).value_or(""), *hash);
  const std::string_view name = "__vdso_clock_gettime";
  const auto bytes = std::as_bytes(std::span(name));
  const auto at = std::ranges::search(copy, bytes);
  ASSERT_FALSE(at.empty());
  at.front() = std::byte{'X'};
  EXPECT_EQ(traits::vdso_hash(copy).error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(traits::vdso_hash({}).error().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace llrun
