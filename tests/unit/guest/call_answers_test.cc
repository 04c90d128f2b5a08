// Home's answers to calls of a guest: what is asked of home, and what is written where. The test
// plays the guest, by a child that shares its memory's layout and waits.
#include "supervisor/guest/call_answers.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/bytes.h"
#include "supervisor/guest/guest_memory.h"
#include "supervisor/guest/home_calls.h"
#include "supervisor/job/home_call_check.h"

namespace llrun {
namespace {

constexpr std::size_t kPage = 4096;

// Two pages, the second of which may only be read: what lies behind a program's own memory.
class CallAnswers : public ::testing::Test {
 protected:
  void SetUp() override {
    pages_ = static_cast<char*>(
        ::mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    ASSERT_NE(pages_, MAP_FAILED);
    std::memset(pages_, kUntouched, 2 * kPage);
    ASSERT_EQ(::mprotect(pages_ + kPage, kPage, PROT_READ), 0);
  }
  void TearDown() override { ::munmap(pages_, 2 * kPage); }

  // The last `size` bytes that may be written.
  [[nodiscard]] char* last(std::size_t size) const { return pages_ + kPage - size; }

  static NotifiedCall call(std::uint32_t number, std::array<std::uint64_t, 6> arguments) {
    NotifiedCall made;
    made.number = number;
    made.args = arguments;
    return made;
  }
  static std::uint64_t address(const void* at) { return reinterpret_cast<std::uint64_t>(at); }

  static HomeCallPlan plan(const NotifiedCall& wanted) {
    auto made = plan_home_call(self(), wanted, [](int) { return true; });
    EXPECT_TRUE(made && *made);
    if (!made || !*made) return {};
    EXPECT_TRUE(check_home_call((*made)->call)) << "home would not make it";
    return std::move(**made);
  }
  static bool is_for_home_alone(const NotifiedCall& wanted) {
    const auto made = plan_home_call(self(), wanted, [](int) { return true; });
    return made && !*made;
  }
  // As the shadow answers, with every buffer as `bytes` says.
  static protocol::HomeCallDone answer(std::int64_t value, const std::vector<std::string>& bytes) {
    protocol::HomeCallDone done;
    done.set_value(value);
    for (std::uint32_t i = 0; i < bytes.size(); ++i) {
      auto& output = *done.add_outputs();
      output.set_buffer(i);
      output.set_bytes(bytes[i]);
    }
    return done;
  }
  static HostPid self() { return HostPid{::getpid()}; }
  template <typename T>
  static std::string as_bytes(const T& value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
  }

  static constexpr char kUntouched = 0x55;
  char* pages_ = nullptr;
};

// The kernel looks at whole words of as many descriptors as are asked about, and at no more.
TEST_F(CallAnswers, SelectTouchesNoMoreThanItsDescriptorsNeed) {
  auto* const set = reinterpret_cast<long*>(last(sizeof(long)));
  *set = 1;
  const auto wanted = plan(call(SYS_select, {1, address(set), 0, 0, 0}));
  ASSERT_EQ(wanted.call.buffers_size(), 1);
  EXPECT_EQ(wanted.call.buffers(0).size(), sizeof(long));
  ASSERT_TRUE(store_outputs(self(), wanted, answer(1, {as_bytes(long{1})})));
  EXPECT_EQ(*(last(sizeof(long)) - 1), kUntouched);
  auto* const two = reinterpret_cast<long*>(last(2 * sizeof(long)));
  two[0] = 1, two[1] = 0;
  EXPECT_EQ(plan(call(SYS_select, {65, address(two), 0, 0, 0})).call.buffers(0).size(),
            2 * sizeof(long));
}

TEST_F(CallAnswers, TheNumberOfSelectsDescriptorsIsAnInt) {
  auto* const set = reinterpret_cast<long*>(last(sizeof(long)));
  *set = 1;
  EXPECT_EQ(plan(call(SYS_select, {0x700000001, address(set), 0, 0, 0})).call.arguments(0), 1U);
}

TEST_F(CallAnswers, SelectWritesTheTimeThatIsLeftUnlessThereWasNone) {
  auto* const time = reinterpret_cast<timeval*>(last(sizeof(timeval)));
  auto* const set = reinterpret_cast<long*>(pages_);
  *set = 1;
  *time = {5, 0};
  auto wanted = plan(call(SYS_select, {1, address(set), 0, 0, address(time)}));
  ASSERT_EQ(wanted.call.buffers_size(), 2);
  EXPECT_TRUE(wanted.call.buffers(1).written_always());
  auto given_up = answer(0, {as_bytes(long{1}), as_bytes(timeval{3, 7})});
  given_up.mutable_outputs()->DeleteSubrange(0, 1);
  ASSERT_TRUE(store_outputs(self(), wanted, given_up));
  EXPECT_EQ(time->tv_sec, 3);
  EXPECT_EQ(time->tv_usec, 7);
  go_on_from(given_up, wanted.call);
  EXPECT_EQ(wanted.call.buffers(1).input(), as_bytes(timeval{3, 7}));
  *time = {0, 0};
  EXPECT_FALSE(
      plan(call(SYS_select, {1, address(set), 0, 0, address(time)})).call.buffers(1).output());
}

TEST_F(CallAnswers, ATimeoutThatCannotBeWrittenIsNoFailure) {
  ASSERT_EQ(::mprotect(pages_, kPage, PROT_READ | PROT_WRITE), 0);
  const timeval three{3, 0};
  std::memcpy(pages_ + kPage - sizeof three, &three, sizeof three);
  auto* const set = reinterpret_cast<long*>(pages_);
  *set = 1;
  const auto wanted =
      plan(call(SYS_select, {1, address(set), 0, 0, address(pages_ + kPage - sizeof three)}));
  std::array<long, 1> own{1};
  const auto again = plan(
      call(SYS_select, {1, address(own.data()), 0, 0, address(pages_ + kPage - sizeof three)}));
  ASSERT_EQ(::mprotect(pages_, kPage, PROT_READ), 0);
  EXPECT_TRUE(store_outputs(self(), again, answer(1, {as_bytes(1L), as_bytes(timeval{1, 0})})));
  EXPECT_EQ(std::memcmp(pages_ + kPage - sizeof three, &three, sizeof three), 0);
  const auto refused = store_outputs(self(), wanted, answer(1, {as_bytes(0L)}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().errno_value, EFAULT);
  EXPECT_EQ(*set, 1);
}

// What is asked about belongs to the program: another thread may change it during the wait.
TEST_F(CallAnswers, PollWritesNothingButRevents) {
  auto* const entries = reinterpret_cast<pollfd*>(last(2 * sizeof(pollfd)));
  entries[0] = {0, POLLIN, 0};
  entries[1] = {-1, POLLIN, 99};
  const auto wanted = plan(call(SYS_poll, {address(entries), 2, 1000}));
  entries[0].fd = 7;
  entries[0].events = POLLOUT;
  const std::array<pollfd, 2> answered{pollfd{0, POLLIN, POLLHUP}, pollfd{-1, POLLIN, 0}};
  ASSERT_TRUE(store_outputs(self(), wanted, answer(1, {as_bytes(answered)})));
  EXPECT_EQ(entries[0].fd, 7);
  EXPECT_EQ(entries[0].events, POLLOUT);
  EXPECT_EQ(entries[0].revents, POLLHUP);
  EXPECT_EQ(entries[1].revents, 0);
  EXPECT_TRUE(wanted.call.buffers(0).written_always()) << "also when a signal ends the wait";
}

// A supervisor could write it; the guest's kernel would not.
TEST_F(CallAnswers, NothingIsWrittenWhereTheProgramMayNot) {
  const std::string text(10, 'x');
  const auto refused = write_as_guest(self(), {address(last(4))}, bytes_of(std::string_view(text)));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().errno_value, EFAULT);
  EXPECT_EQ(std::string(last(4), 4), "xxxx");
  EXPECT_EQ(pages_[kPage], kUntouched);
}

// What is read at home is gone there.
TEST_F(CallAnswers, NoMoreIsReadThanThereIsAPlaceFor) {
  EXPECT_EQ(plan(call(SYS_read, {0, address(last(10)), 10})).call.arguments(2), 10U);
  EXPECT_EQ(plan(call(SYS_read, {0, address(last(10)), 500})).call.arguments(2), 10U);
  EXPECT_TRUE(is_for_home_alone(call(SYS_read, {0, address(pages_ + kPage), 500})));
  EXPECT_TRUE(is_for_home_alone(call(SYS_read, {0, 0, 500})));
  const std::array<iovec, 3> pieces{iovec{pages_, 5}, iovec{last(10), 20}, iovec{pages_, 7}};
  const auto wanted = plan(call(SYS_readv, {0, address(pieces.data()), 3}));
  EXPECT_EQ(wanted.call.arguments(2), 15U);
}

TEST_F(CallAnswers, AStackThatHasNotGrownYetCounts) {
  char here = 0;
  const auto writable = WritableMemory::of(self());
  ASSERT_TRUE(writable);
  EXPECT_EQ(writable->bytes_from(address(&here) - (1 << 20), (1 << 20) + 1),
            std::uint64_t{(1 << 20) + 1});
}

}  // namespace
}  // namespace llrun
