#include "tracer/stacks/stacks.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "base/fd.h"
#include "tracer/ptrace/thread_set.h"

namespace llrun::tracer {
namespace {

// The victim, running, all its threads blocked where they stay.
class Victim {
 public:
  explicit Victim(const char* path);
  ~Victim() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    while (::waitpid(-1, nullptr, __WALL) > 0) {  // its threads too, where they are traced
    }
  }
  [[nodiscard]] HostPid pid() const { return HostPid{pid_}; }
  int finish() {
    input_.second.reset();
    int status = 0;
    if (::waitpid(pid_, &status, 0) != pid_) return -1;
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  }

 private:
  void wait_until_blocked() const;
  pid_t pid_ = -1;
  FdPair input_;
};

bool sleeps(const std::filesystem::path& task) {
  const auto stat = read_whole_file(task / "stat");
  return stat && stat->find(") S ") != std::string::npos;
}

// Bounded by the test's own time limit.
void Victim::wait_until_blocked() const {
  const std::filesystem::path tasks = "/proc/" + std::to_string(pid_) + "/task";
  const auto all_sleep = [&] {
    return std::ranges::all_of(std::filesystem::directory_iterator(tasks),
                               [](const auto& entry) { return sleeps(entry.path()); });
  };
  while (!all_sleep()) ::usleep(1000);
}

Victim::Victim(const char* path) {
  input_ = make_pipe().value();
  auto output = make_pipe().value();
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(input_.first.get(), 0);
    ::dup2(output.second.get(), 1);
    ::execl(path, path, nullptr);
    ::_exit(127);
  }
  output.second.reset();
  input_.first.reset();
  char byte = 0;
  EXPECT_EQ(::read(output.first.get(), &byte, 1), 1);
  wait_until_blocked();
}

std::string text_of(const ThreadStack& stack) {
  std::string text = stack.name + ": " + stack.incomplete + "\n";
  for (const auto& frame : stack.frames)
    text += "  " + frame.symbol + "+" + std::to_string(frame.offset) + " " + frame.module + " " +
            frame.build_id + " " + frame.file + ":" + std::to_string(frame.line) + "\n";
  return text;
}

// Whether the frames' symbols contain these, in this order, whatever is between them.
bool in_order(const ThreadStack& stack, const std::vector<std::string>& symbols) {
  auto wanted = symbols.begin();
  for (const auto& frame : stack.frames) {
    const auto name = frame.calls_handler ? "<signal>" : frame.symbol;
    if (wanted != symbols.end() && name == *wanted) ++wanted;
  }
  return wanted == symbols.end();
}

const StackFrame* frame_of(const ThreadStack& stack, const std::string& symbol) {
  const auto found = std::ranges::find(stack.frames, symbol, &StackFrame::symbol);
  return found == stack.frames.end() ? nullptr : &*found;
}

void expect_known_stacks(const std::vector<ThreadStack>& stacks, const std::string& program) {
  const std::vector<std::vector<std::string>> expected = {
      {"main", "_start"},
      {"victim::poll_forever(int)", "victim::poller_middle(int)", "victim::poller()"},
      {"victim::recursion(int)", "victim::recursion(int)", "victim::recursion(int)",
       "victim::recursion(int)", "victim::recursion(int)", "victim::recursion(int)",
       "victim::recurser()"},
      {"victim::skip_instruction(int, siginfo_t*, void*)", "<signal>", "victim::interrupted()",
       "victim::handler_user()"}};
  ASSERT_EQ(stacks.size(), expected.size());
  for (const auto& chain : expected)
    EXPECT_TRUE(std::ranges::any_of(stacks, [&](const auto& s) { return in_order(s, chain); }))
        << "no thread in " << chain[1];
  for (const auto& stack : stacks) {
    EXPECT_EQ(stack.incomplete, "") << text_of(stack);
    EXPECT_EQ(stack.name, program.substr(0, 15));
  }
  if (testing::Test::HasFailure())
    for (const auto& stack : stacks) ADD_FAILURE() << text_of(stack);
}

class Stacks : public testing::TestWithParam<const char*> {};

TEST_P(Stacks, NamesTheFunctionsOfAllThreads) {
  Victim victim(GetParam());
  const auto stacks = symbolised_stacks(victim.pid());
  ASSERT_TRUE(stacks) << stacks.error().message();
  expect_known_stacks(*stacks, std::filesystem::path(GetParam()).filename());
  EXPECT_EQ(victim.finish(), 7) << "the program noticed";
}

TEST_P(Stacks, SayModuleBuildIdFileAndLine) {
  Victim victim(GetParam());
  const auto stacks = symbolised_stacks(victim.pid());
  ASSERT_TRUE(stacks) << stacks.error().message();
  const auto found = std::ranges::find_if(
      *stacks, [](const auto& stack) { return frame_of(stack, "victim::interrupted()"); });
  ASSERT_NE(found, stacks->end());
  const auto* frame = frame_of(*found, "victim::interrupted()");
  EXPECT_EQ(frame->offset, 0U) << "the instruction that faulted is the function's first";
  EXPECT_EQ(frame->module, GetParam());
  EXPECT_EQ(frame->build_id.size(), 40U);
  EXPECT_TRUE(frame->file.ends_with("victim.cc")) << frame->file;
  EXPECT_GT(frame->line, 0);
}

TEST_P(Stacks, OfThreadsThatAreStoppedAlready) {
  Victim victim(GetParam());
  auto threads = ThreadSet::seize_all(victim.pid());
  ASSERT_TRUE(threads) << threads.error().message();
  ASSERT_TRUE(threads->stop_all());
  const auto stacks = symbolised_stacks(victim.pid(), {.already_stopped = true, .root = "/"});
  ASSERT_TRUE(stacks) << stacks.error().message();
  expect_known_stacks(*stacks, std::filesystem::path(GetParam()).filename());
}

TEST_P(Stacks, AreReadManyTimesUnnoticed) {
  Victim victim(GetParam());
  for (int round = 0; round < 20; ++round) ASSERT_TRUE(symbolised_stacks(victim.pid()));
  EXPECT_EQ(victim.finish(), 7);
}

// Files that are not what was mapped give no names, and no wrong ones; the vdso and the walk need
// none.
TEST_P(Stacks, DoWithoutFiles) {
  Victim victim(GetParam());
  const auto stacks =
      symbolised_stacks(victim.pid(), {.already_stopped = false, .root = "/nonexistent"});
  ASSERT_TRUE(stacks) << stacks.error().message();
  for (const auto& stack : *stacks) {
    EXPECT_EQ(stack.incomplete, "");
    EXPECT_GE(stack.frames.size(), 3U);
    for (const auto& frame : stack.frames) EXPECT_EQ(frame.symbol, "");
  }
  EXPECT_EQ(victim.finish(), 7);
}

INSTANTIATE_TEST_SUITE_P(Kinds, Stacks, testing::Values(LLRUN_VICTIM_PIE, LLRUN_VICTIM_FIXED));

TEST(StacksOfNobody, AreGone) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  const auto stacks = symbolised_stacks(HostPid{child});
  ASSERT_FALSE(stacks);
  EXPECT_EQ(stacks.error().code, ErrorCode::kGone);
}

}  // namespace
}  // namespace llrun::tracer
