#include "supervisor/home/fitting.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "supervisor/traits/traits.h"
#include "tests/capabilities/capability.h"
#include "tracer/objects/memory.h"

namespace llrun {
namespace {

protocol::NodeTraits peer(bool droppable) {
  protocol::NodeTraits traits;
  traits.set_kernel_release("6.1.0");
  traits.set_droppable_memory(droppable);
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

}  // namespace
}  // namespace llrun
