// There and home: a program becomes a shadow and is filled again, several times.
#include <gtest/gtest.h>
#include <sys/ptrace.h>

#include <string>

#include "base/fd.h"
#include "tests/unit/tracer/child.h"
#include "tests/unit/tracer/journey.h"
#include "tests/unit/tracer/self_checking.h"

namespace llrun::tracer {
namespace {

TEST(ThereAndHome, AllThreadsGoOnAfterEachJourney) {
  SelfChecking program;
  ASSERT_EQ(program.read_line(), "ready");
  for (int journey = 0; journey < 5; ++journey) {
    auto threads = ThreadSet::seize_all(program.pid(), PTRACE_O_EXITKILL);
    ASSERT_OK(threads);
    auto home = there_and_home(std::move(*threads));
    ASSERT_OK(home);
    ASSERT_OK(home->stop_all());
    ASSERT_OK(home->detach_all());
    ASSERT_EQ(program.ask("rounds"), "moving") << "after journey " << journey;
  }
  EXPECT_EQ(program.ask("quit"), "PASS");
  EXPECT_EQ(program.wait(), 0);
}

TEST(ThereAndHome, RunsOnAsItWasWhenTheJourneyIsGivenUp) {
  SelfChecking program;
  ASSERT_EQ(program.read_line(), "ready");
  for (int journey = 0; journey < 5; ++journey) {
    auto threads = ThreadSet::seize_all(program.pid(), PTRACE_O_EXITKILL);
    ASSERT_OK(threads);
    auto freeze = Freeze::begin(std::move(*threads));
    ASSERT_OK(freeze);
    auto capture = capture_process(*freeze);
    ASSERT_OK(capture);
    ASSERT_TRUE(capture->pins.empty()) << capture->pins[0].what;
    if (journey % 2 == 0) {
      ASSERT_OK(freeze->release());
    } else {
      auto shadow = Shadow::make(std::move(*freeze), capture->process);
      ASSERT_OK(shadow);
      auto back = shadow->resume_as_was(capture->process);
      ASSERT_OK(back);
      ASSERT_OK(back->stop_all());
      ASSERT_OK(back->detach_all());
    }
    ASSERT_EQ(program.ask("rounds"), "moving") << "after journey " << journey;
  }
  EXPECT_EQ(program.ask("quit"), "PASS");
  EXPECT_EQ(program.wait(), 0);
}

}  // namespace
}  // namespace llrun::tracer
