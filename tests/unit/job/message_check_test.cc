#include "supervisor/job/message_check.h"

#include <asm/ioctls.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <csignal>

#include "base/bytes.h"
#include "supervisor/job/home_call_check.h"

namespace llrun {
namespace {

using protocol::HomeCall;
using protocol::JobMessage;

HomeCall call(std::uint64_t number, std::initializer_list<std::uint64_t> arguments) {
  HomeCall call;
  call.set_number(number);
  for (const auto argument : arguments) call.add_arguments(argument);
  return call;
}

HomeCall with_buffer(HomeCall call, unsigned argument, std::uint64_t size,
                     const std::string& input = "") {
  auto& buffer = *call.add_buffers();
  buffer.set_argument(argument);
  buffer.set_size(size);
  buffer.set_input(input);
  return call;
}

TEST(HomeCallCheck, TakesWhatAGuestsSideAsks) {
  for (const auto& sound :
       {with_buffer(call(SYS_read, {0, 0x7000, 100}), 1, 100),
        with_buffer(call(SYS_ioctl, {1, TCGETS, 0x7000}), 2, 36), call(SYS_ioctl, {1, TCFLSH, 2}),
        call(SYS_fcntl, {3, F_SETFL, O_NONBLOCK}), call(SYS_kill, {4000, SIGTERM}),
        call(SYS_getgroups, {0, 0x7000}), with_buffer(call(SYS_getgroups, {2, 0x7000}), 1, 8),
        call(SYS_sched_getparam, {4000, 0}),
        with_buffer(call(SYS_poll, {0x7000, 2, 100}), 0, 16, std::string(16, '\0')),
        // One word of descriptors is all that the kernel looks at.
        with_buffer(call(SYS_select, {64, 0x7000, 0, 0, 0}), 1, 8, std::string(8, '\0'))})
    EXPECT_TRUE(check_home_call(sound)) << check_home_call(sound).error().message();
}

TEST(HomeCallCheck, RefusesCallsThatAreNotMadeAtHome) {
  for (const std::uint64_t number : {std::uint64_t{SYS_execve}, std::uint64_t{SYS_mmap},
                                     std::uint64_t{SYS_sendto}, std::uint64_t{9999}})
    EXPECT_FALSE(check_home_call(call(number, {0, 0, 0})));
  EXPECT_FALSE(check_home_call(call(SYS_ioctl, {1, 0x1234, 0})));
  EXPECT_FALSE(check_home_call(call(SYS_fcntl, {3, F_SETLK, 0})));
}

TEST(HomeCallCheck, RefusesSetsThatAreTooSmallForTheirDescriptors) {
  EXPECT_FALSE(check_home_call(
      with_buffer(call(SYS_select, {65, 0x7000, 0, 0, 0}), 1, 8, std::string(8, '\0'))));
}

TEST(HomeCallCheck, RefusesAddressesWithoutABuffer) {
  EXPECT_FALSE(check_home_call(call(SYS_read, {0, 0x7000, 100})));
  EXPECT_FALSE(check_home_call(call(SYS_ioctl, {1, TCGETS, 0x7000})));
  EXPECT_FALSE(check_home_call(call(SYS_getgroups, {2, 0x7000})));
  EXPECT_FALSE(check_home_call(with_buffer(call(SYS_kill, {4000, SIGTERM}), 1, 8)));
}

TEST(HomeCallCheck, RefusesBuffersThatDoNotFit) {
  EXPECT_FALSE(check_home_call(with_buffer(call(SYS_read, {0, 0, 100}), 1, 99)));
  EXPECT_FALSE(check_home_call(with_buffer(call(SYS_read, {0, 0, 100}), 6, 100)));
  EXPECT_FALSE(check_home_call(with_buffer(call(SYS_read, {0, 0, 100}), 1, 1 << 20)));
  EXPECT_FALSE(check_home_call(with_buffer(call(SYS_poll, {0, 1, 0}), 0, 8, "short")));
  const auto once = with_buffer(call(SYS_read, {0, 0, 100}), 1, 100);
  EXPECT_FALSE(check_home_call(with_buffer(once, 1, 100)));
}

TEST(MessageCheck, TakesOnlyEndsThatThereAre) {
  JobMessage message;
  for (const int status : {0, 0x100, 0xff00, SIGKILL, SIGSEGV | 0x80, 64}) {
    message.mutable_exited()->set_wait_status(status);
    EXPECT_TRUE(check_from_guest(message)) << status;
  }
  for (const int status : {0x7f, 0x137f, 0xffff, 65, 100}) {
    message.mutable_exited()->set_wait_status(status);
    EXPECT_FALSE(check_from_guest(message)) << status;
  }
}

TEST(MessageCheck, TakesOnlySignalsThatStop) {
  JobMessage message;
  message.mutable_group_stopped()->set_signal(SIGTSTP);
  EXPECT_TRUE(check_from_guest(message));
  for (const int signal : {0, -1, SIGKILL, SIGTERM, 1000}) {
    message.mutable_group_stopped()->set_signal(signal);
    EXPECT_FALSE(check_from_guest(message)) << signal;
  }
}

TEST(MessageCheck, TakesOnlyRangesOfTheProgramsHalf) {
  JobMessage message;
  auto& range = *message.mutable_pages_end()->add_ranges();
  range.set_start(0x400000);
  range.set_pages(16);
  EXPECT_TRUE(check_from_guest(message));
  EXPECT_TRUE(check_from_home(message));
  range.set_pages(std::uint64_t{1} << 52);  // times the page size it is nothing again
  EXPECT_FALSE(check_from_guest(message));
  EXPECT_FALSE(check_from_home(message));
  range.set_pages(16);
  range.set_start(0x400001);
  EXPECT_FALSE(check_from_guest(message));
}

TEST(MessageCheck, TakesOnlyMappingsInTheirOrder) {
  JobMessage message;
  auto& mapping = *message.mutable_stack_trace()->add_mappings();
  mapping.set_name("[vdso]");
  mapping.set_start(0x2000);
  mapping.set_end(0x1000);  // a vdso of nearly 2^64 bytes
  EXPECT_FALSE(check_from_guest(message));
  mapping.set_end(0x3000);
  EXPECT_TRUE(check_from_guest(message));
  *message.mutable_stack_trace()->add_mappings() = mapping;
  EXPECT_FALSE(check_from_guest(message));
}

TEST(MessageCheck, TakesOnlyClocksThatThereAre) {
  JobMessage message;
  auto& world = *message.mutable_make_world();
  world.set_pid(4711);
  world.set_monotonic_ahead_ns(-1'000'000'000'000'000'000);
  EXPECT_TRUE(check_from_home(message));
  for (const auto ahead : {INT64_MIN, INT64_MAX}) {  // added to anything they are too much
    world.set_boottime_ahead_ns(ahead);
    EXPECT_FALSE(check_from_home(message));
  }
}

TEST(MessageCheck, TakesOnlyAnswersOfAKernel) {
  JobMessage message;
  message.mutable_home_call_done()->set_value(-4095);
  EXPECT_TRUE(check_from_home(message));
  message.mutable_home_call_done()->set_value(INT64_MIN);  // has no opposite
  EXPECT_FALSE(check_from_home(message));
}

TEST(MessageCheck, TakesOnlySignalsThatThereAre) {
  JobMessage message;
  siginfo_t info{};
  info.si_signo = SIGUSR1;
  message.mutable_deliver_signal()->set_siginfo(std::string(text_of(bytes_of(info))));
  EXPECT_TRUE(check_from_home(message));
  info.si_signo = 65;
  message.mutable_deliver_signal()->set_siginfo(std::string(text_of(bytes_of(info))));
  EXPECT_FALSE(check_from_home(message));
  message.mutable_deliver_signal()->set_siginfo("short");
  EXPECT_FALSE(check_from_home(message));
}

}  // namespace
}  // namespace llrun
