#include "supervisor/agent/processes.h"

#include "tests/unit/agent/guests_fixture.h"

namespace llrun::agent {
namespace {

using ProcessesTest = GuestsFixture;

// As supervisor/guest does: its first report goes before home has said what the guest's number is.
TEST_F(ProcessesTest, AGuestThatGetsItsNumberLaterIsOne) {
  hear(report_of(0));
  EXPECT_EQ(processes_.guests(), 1U);
  hear(report_of(4711));
  EXPECT_EQ(processes_.guests(), 1U);
  ASSERT_EQ(processes_.all().size(), 1U);
  EXPECT_EQ(processes_.all().front()->report.pid(), 4711);
}

}  // namespace
}  // namespace llrun::agent
