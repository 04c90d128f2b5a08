// Whether a node can host is found out by making a world, the file view's mount included.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/traits/traits.h"

namespace llrun::testing {
namespace {

TEST(Hosting, IsAsThisNodeAllows) {
  auto traits = local_traits();
  probe_hosting(traits);
  if (::access("/dev/fuse", R_OK | W_OK) == 0) {
    EXPECT_TRUE(traits.hosts_guests()) << traits.hosts_guests_why_not();
    EXPECT_EQ(traits.hosts_guests_why_not(), "");
  } else {
    EXPECT_FALSE(traits.hosts_guests());
    EXPECT_NE(traits.hosts_guests_why_not().find("/dev/fuse"), std::string::npos)
        << traits.hosts_guests_why_not();
  }
}

}  // namespace
}  // namespace llrun::testing
