#include "tests/fuzz/job/seeds.h"

#include <asm/ioctls.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/user.h>

#include <csignal>

#include "base/bytes.h"
#include "supervisor/protocol/job.pb.h"
#include "tests/fuzz/fuzz.h"

namespace llrun::fuzz {
namespace {

using protocol::HomeCall;
using protocol::JobMessage;
using Seeds = std::vector<std::string>;

std::string from_guest(const JobMessage& message) {
  return std::string(1, kFromGuest) + message.SerializeAsString();
}

std::string from_home(char plan, const JobMessage& message) {
  return std::string{static_cast<char>(kFromHome), plan} + message.SerializeAsString();
}

HomeCall& call_in(JobMessage& message, std::uint64_t number,
                  std::initializer_list<std::uint64_t> arguments) {
  auto& call = *message.mutable_home_call();
  call.set_id(7);
  call.set_tid(4711);
  call.set_number(number);
  for (const auto argument : arguments) call.add_arguments(argument);
  return call;
}

void add_buffer(HomeCall& call, unsigned argument, std::uint64_t size, bool input, bool output) {
  auto& buffer = *call.add_buffers();
  buffer.set_argument(argument);
  buffer.set_size(size);
  if (input) buffer.set_input(std::string(size, '\1'));
  buffer.set_output(output);
}

void add_home_calls(Seeds& seeds) {
  const auto add = [&](std::uint64_t number, std::initializer_list<std::uint64_t> arguments,
                       unsigned argument, std::uint64_t size, bool input, bool output) {
    JobMessage message;
    auto& call = call_in(message, number, arguments);
    if (size > 0) add_buffer(call, argument, size, input, output);
    seeds.push_back(from_guest(message));
  };
  add(SYS_read, {0, 0x7ffc0000, 4096}, 1, 4096, false, true);
  add(SYS_ioctl, {1, TCGETS, 0x7ffc0000}, 2, 36, false, true);
  add(SYS_ioctl, {1, TCFLSH, 2}, 0, 0, false, false);
  add(SYS_lseek, {3, 0, 1}, 0, 0, false, false);
  add(SYS_fcntl, {3, F_SETFL, O_NONBLOCK}, 0, 0, false, false);
  add(SYS_getgroups, {4, 0x7ffc0000}, 1, 16, false, true);
  add(SYS_getgroups, {0, 0x7ffc0000}, 0, 0, false, false);
  add(SYS_kill, {4000, SIGUSR1}, 0, 0, false, false);
  add(SYS_rt_sigqueueinfo, {4000, SIGUSR1, 0x7ffc0000}, 2, sizeof(siginfo_t), true, false);
  add(SYS_poll, {0x7ffc0000, 2, 100}, 0, 2 * sizeof(pollfd), true, true);
  add(SYS_select, {4, 0x7ffc0000, 0, 0, 0}, 1, sizeof(fd_set), true, true);
  add(SYS_sched_getparam, {4000, 0}, 0, 0, false, false);
}

void add_from_guest(Seeds& seeds) {
  JobMessage exited;
  exited.mutable_exited()->set_wait_status(0x100);
  JobMessage stopped;
  stopped.mutable_group_stopped()->set_signal(SIGTSTP);
  JobMessage end;
  end.mutable_pages_end()->set_pages(3);
  auto* range = end.mutable_pages_end()->add_ranges();
  range->set_start(0x400000);
  range->set_pages(16);
  range->set_kind(image::PageRange::KIND_ZERO);
  JobMessage stacks;
  auto* mapping = stacks.mutable_stack_trace()->add_mappings();
  mapping->set_start(0x400000);
  mapping->set_end(0x402000);
  stacks.mutable_stack_trace()->add_threads()->set_tid(4711);
  for (const auto* message : {&exited, &stopped, &end, &stacks})
    seeds.push_back(from_guest(*message));
}

void add_image(Seeds& seeds) {
  JobMessage message;
  auto& image = *message.mutable_home_image()->mutable_image();
  image.set_pid(4711);
  auto& mapping = *image.mutable_memory()->add_mappings();
  mapping.set_start(0x400000);
  mapping.set_end(0x402000);
  mapping.set_path("/bin/x");
  auto& thread = *image.add_threads();
  thread.set_tid(4711);
  thread.set_registers(std::string(sizeof(user_regs_struct), 'r'));
  thread.add_pending()->set_siginfo(std::string(128, 's'));
  image.add_actions()->set_signal(2);
  image.add_limits()->set_resource(7);
  image.add_posix_timers()->set_signal(14);
  auto& description = *image.add_descriptions();
  description.set_kind(image::Description::KIND_EPOLL);
  description.add_epoll()->set_fd(3);
  image.add_descriptors()->set_number(3);
  seeds.push_back(from_guest(message));
}

void add_from_home(Seeds& seeds) {
  for (char plan = 0; plan < 3; ++plan) {
    JobMessage done;
    done.mutable_home_call_done()->set_id(7);
    done.mutable_home_call_done()->set_value(5);
    done.mutable_home_call_done()->add_outputs()->set_bytes("bytes");
    seeds.push_back(from_home(plan, done));
  }
  JobMessage wrong;  // home answers more than was asked for, which is for the plan to see
  wrong.mutable_home_call_done()->add_outputs()->set_buffer(9);
  seeds.push_back(from_home(0, wrong));
  JobMessage world;
  world.mutable_make_world()->set_pid(4711);
  world.mutable_make_world()->set_host_name("home");
  world.mutable_make_world()->add_ancestors(4000);
  world.mutable_make_world()->set_monotonic_ahead_ns(-7'000'000'000);
  JobMessage clocks;
  clocks.mutable_clock_question()->set_number(1);
  JobMessage signal;
  siginfo_t info{};
  info.si_signo = SIGUSR1;
  signal.mutable_deliver_signal()->set_siginfo(std::string(text_of(bytes_of(info))));
  JobMessage thread;
  thread.mutable_thread_made()->set_tid(4712);
  JobMessage kind;
  kind.mutable_classified()->set_errno_value(2);
  for (const auto* message : {&world, &clocks, &signal, &thread, &kind})
    seeds.push_back(from_home(0, *message));
}

void add_file_replies(Seeds& seeds) {
  const auto add = [&](std::uint64_t unique, std::int32_t error, std::int64_t offset, bool notice) {
    fuse_out_header header{sizeof header, error, unique};
    fuse_notify_inval_inode_out body{1, offset, 0};
    if (notice) header.len += static_cast<std::uint32_t>(sizeof body);
    std::string seed(1, kFileReply);
    seed += text_of(bytes_of(header));
    if (notice) seed += text_of(bytes_of(body));
    seeds.push_back(std::move(seed));
  };
  add(5, -2, 0, false);
  add(0, FUSE_NOTIFY_INVAL_INODE, -1, true);
  add(0, FUSE_NOTIFY_INVAL_INODE, 0, true);
}

}  // namespace

Seeds seeds() {
  Seeds seeds;
  add_home_calls(seeds);
  add_from_guest(seeds);
  add_image(seeds);
  add_from_home(seeds);
  add_file_replies(seeds);
  // write 9 bytes; credit 9 for stream 1; close it; credit 1 for stream 2
  seeds.push_back(std::string(1, kCredits) + std::string("\x00\x09\x01\x01\x09\x00\x00\x00\x00\x00"
                                                         "\x00\x00\x02\x01\x01\x02\x01\x00",
                                                         18));
  return seeds;
}

}  // namespace llrun::fuzz
