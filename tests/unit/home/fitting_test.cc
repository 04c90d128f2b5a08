#include "supervisor/home/fitting.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <string>

#include "base/fd.h"
#include "supervisor/traits/traits.h"
#include "tests/capabilities/capability.h"
#include "tracer/objects/memory.h"

namespace llrun {
namespace {

protocol::NodeTraits peer(bool droppable) {
  protocol::NodeTraits traits;
  traits.set_kernel_release("6.1.0");
  traits.set_droppable_memory(droppable);
  traits.set_guard_pages(true);
  traits.set_timer_ids(true);
  return traits;
}

TEST(Fitting, AProgramWithoutDroppableMemoryGoesAnywhere) {
  EXPECT_EQ(why_not_this_program(HostPid{::getpid()}, peer(false)), std::nullopt);
}

TEST(Fitting, DroppableMemoryNeedsAKernelThatHasIt) {
  LLRUN_NEEDS(test::Capability::kDroppableMemory);
  constexpr std::size_t kSize = 4096;
  void* const at =
      ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | tracer::kMapDroppable, -1, 0);
  ASSERT_NE(at, MAP_FAILED);
  const auto why = why_not_this_program(HostPid{::getpid()}, peer(false));
  EXPECT_EQ(why_not_this_program(HostPid{::getpid()}, peer(true)), std::nullopt);
  ::munmap(at, kSize);
  ASSERT_TRUE(why);
  EXPECT_NE(why->find("MAP_DROPPABLE"), std::string::npos) << *why;
  EXPECT_NE(why->find("6.1.0"), std::string::npos) << *why;
}

TEST(Fitting, ANodeTellsWhetherItHasDroppableMemory) {
  EXPECT_EQ(local_traits().droppable_memory(),
            test::kernel_has(test::Capability::kDroppableMemory));
}

void expect_refused(const protocol::NodeTraits& peer, const std::string& because) {
  const auto why = why_not_this_program(HostPid{::getpid()}, peer);
  ASSERT_TRUE(why) << because;
  EXPECT_NE(why->find(because), std::string::npos) << *why;
}

TEST(Fitting, ThePeerMustAllowAsManyMappings) {
  auto small = peer(true);
  small.set_most_mappings(20);
  expect_refused(small, "raise vm.max_map_count (20)");
  small.set_most_mappings(1 << 20);
  EXPECT_EQ(why_not_this_program(HostPid{::getpid()}, small), std::nullopt);
}

TEST(Fitting, ThePeerMustAllowMemoryWhereTheProgramHasIt) {
  auto high = peer(true);
  high.set_first_address(1ULL << 47);
  expect_refused(high, "vm.mmap_min_addr");
}

TEST(Fitting, ThePeerMustAllowPipesAsLarge) {
  auto narrow = peer(true);
  narrow.set_largest_pipe(4096);
  EXPECT_EQ(why_not_this_program(HostPid{::getpid()}, narrow), std::nullopt);
  const auto pipe = make_pipe();
  ASSERT_TRUE(pipe);
  expect_refused(narrow, "fs.pipe-max-size (4096)");
}

TEST(Fitting, TimersNeedAKernelThatMakesThemAgain) {
  auto old = peer(true);
  old.set_timer_ids(false);
  EXPECT_EQ(why_not_this_program(HostPid{::getpid()}, old), std::nullopt);
  timer_t timer{};
  sigevent quiet{};
  quiet.sigev_notify = SIGEV_NONE;
  ASSERT_EQ(::timer_create(CLOCK_MONOTONIC, &quiet, &timer), 0);
  expect_refused(old, "timer_create");
  ::timer_delete(timer);
}

TEST(Fitting, GuardPagesNeedAKernelThatHasThem) {
  LLRUN_NEEDS(test::Capability::kGuardPages);
  constexpr int kGuardInstall = 102;
  constexpr std::size_t kSize = 4096;
  auto old = peer(true);
  old.set_guard_pages(false);
  EXPECT_EQ(why_not_this_program(HostPid{::getpid()}, old), std::nullopt);
  void* const at =
      ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
  ASSERT_EQ(::madvise(at, kSize, kGuardInstall), 0);
  expect_refused(old, "MADV_GUARD_INSTALL");
  ::munmap(at, kSize);
}

}  // namespace
}  // namespace llrun
