// There and home: a program becomes a shadow and is filled again, several times.
#include <gtest/gtest.h>
#include <sys/ptrace.h>

#include <string>

#include "base/fd.h"
#include "tests/unit/tracer/child.h"
#include "tests/unit/tracer/journey.h"
#include "tests/unit/tracer/self_checking.h"
#include "tracer/objects/clearing.h"

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

// Whatever is refused at the last moment: the next attempt finds a shadow that has nothing of the
// program's, and what waited for the program is there once.
TEST(ThereAndHome, AShadowThatCouldNotBeFilledIsAShadowAgain) {
  SelfChecking program;
  ASSERT_EQ(program.read_line(), "ready");
  auto threads = ThreadSet::seize_all(program.pid(), PTRACE_O_EXITKILL);
  ASSERT_OK(threads);
  auto freeze = Freeze::begin(std::move(*threads));
  ASSERT_OK(freeze);
  const auto image = take_image(*freeze);
  ASSERT_OK(image);
  auto shadow = Shadow::make(std::move(*freeze), image->process);
  ASSERT_OK(shadow);
  ASSERT_OK(shadow->drop_memory());
  auto page = shadow->stub();
  auto stopped = shadow->take_threads();
  ASSERT_OK(stopped);
  for (const bool refused : {true, true, false}) {
    RestoreOptions options;
    options.before_release = [refused](RemoteSyscalls&, RemoteArena) -> Result<> {
      if (refused) return failure(ErrorCode::kRefused, "not yet");
      return {};
    };
    Restorer restorer(image->process, std::move(*stopped), options);
    ASSERT_OK(restorer.lay_out(page.site(), page));
    ASSERT_OK(land_all(restorer, *image));
    const auto filled = restorer.finish();
    page = *restorer.stub();
    stopped = restorer.release(false);
    ASSERT_OK(stopped);
    if (!refused) {
      ASSERT_OK(filled);
      continue;
    }
    ASSERT_FALSE(filled);
    EXPECT_NE(filled.error().message().find("not yet"), std::string::npos)
        << filled.error().message();
    const auto met = clear_program(*stopped, page, image->process);
    ASSERT_OK(met);
    EXPECT_TRUE(met->empty());
  }
  ASSERT_OK(page.unmap_from(stopped->pid(), stopped->stopped(HostTid{stopped->pid().value})));
  ASSERT_OK(stopped->detach_all());
  ASSERT_EQ(program.ask("rounds"), "moving");
  EXPECT_EQ(program.ask("quit"), "PASS");
  EXPECT_EQ(program.wait(), 0);
}

// Says that it is in a handler on a stack of its own, and stays there until it is told to leave.
void wait_in_handler(int from, int to) {
  static int in = -1, out = -1;
  in = from;
  out = to;
  alignas(16) static char memory[65536];
  const stack_t stack{memory, 0, sizeof memory};
  ::sigaltstack(&stack, nullptr);
  struct sigaction action {};
  action.sa_flags = SA_ONSTACK;
  action.sa_handler = [](int) {
    char byte = 'h';
    if (::write(out, &byte, 1) != 1 || ::read(in, &byte, 1) != 1) ::_exit(17);
    stack_t now{};
    if (::sigaltstack(nullptr, &now) != 0 || (now.ss_flags & SS_ONSTACK) == 0) ::_exit(18);
  };
  ::sigaction(SIGUSR1, &action, nullptr);
  ::raise(SIGUSR1);
  stack_t now{};
  if (::sigaltstack(nullptr, &now) != 0 || now.ss_flags != 0 || now.ss_sp != memory) ::_exit(19);
}

TEST(ThereAndHome, FromWithinAHandlerOnAStackOfItsOwn) {
  auto in = make_pipe();
  auto out = make_pipe();
  Child child([&] { wait_in_handler(in->first.get(), out->second.get()); });
  char byte = 0;
  ASSERT_EQ(::read(out->first.get(), &byte, 1), 1);
  auto threads = ThreadSet::seize_all(child.pid(), PTRACE_O_EXITKILL);
  ASSERT_OK(threads);
  auto home = there_and_home(std::move(*threads));
  ASSERT_OK(home);
  ASSERT_OK(home->stop_all());
  ASSERT_OK(home->detach_all());
  ASSERT_EQ(::write(in->second.get(), &byte, 1), 1);
  EXPECT_EQ(child.wait(), 0);
}

}  // namespace
}  // namespace llrun::tracer
