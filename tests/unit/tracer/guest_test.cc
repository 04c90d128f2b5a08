// Away: a program is restored into an empty process of another pid namespace, under its own ids,
// while what it was stays behind as a shadow.
#include <gtest/gtest.h>
#include <sys/ptrace.h>

#include "tests/unit/tracer/journey.h"
#include "tests/unit/tracer/self_checking.h"
#include "tests/unit/tracer/world.h"
#include "tracer/procfs/directory.h"
#include "tracer/procfs/smaps.h"
#include "tracer/remote/remote_fd.h"

namespace llrun::tracer {
namespace {

// Every descriptor of `from` at the same number of the process that makes `calls`.
Result<> copy_descriptors(HostPid from, RemoteSyscalls& calls, RemoteArena arena) {
  LLRUN_TRY_ASSIGN(auto sender, RemoteFdSender::open(calls, arena));
  LLRUN_TRY_ASSIGN(const auto numbers, list_numbers("/proc/" + std::to_string(from.value) + "/fd"));
  for (const int number : numbers) {
    LLRUN_TRY_ASSIGN(const Fd copy, take_fd(from, RemoteFd{number}));
    LLRUN_TRY(sender.send_to(copy.get(), RemoteFd{number}, false));
  }
  return sender.close();
}

Result<ThreadSet> fill_guest(HostPid guest, const Image& image, HostPid home) {
  LLRUN_TRY_ASSIGN(auto threads, ThreadSet::seize_all(guest, PTRACE_O_EXITKILL));
  LLRUN_TRY(threads.stop_all());
  RestoreOptions options;
  options.make_threads = true;
  options.set_executable = true;
  options.drop_capabilities = true;
  options.before_release = [home](RemoteSyscalls& calls, RemoteArena arena) {
    return copy_descriptors(home, calls, arena);
  };
  const SyscallSite site{RemoteAddr{0x10000}, SyscallSite::After::kTrap};
  Restorer restorer(image.process, std::move(threads), options);
  LLRUN_TRY(restorer.lay_out(site, std::nullopt));
  LLRUN_TRY(land_all(restorer, image));
  LLRUN_TRY(restorer.finish());
  return restorer.release();
}

std::string status_line(HostPid pid, const std::string& key) {
  const auto text = *read_whole_file("/proc/" + std::to_string(pid.value) + "/status");
  const auto start = text.find("\n" + key + ":");
  return text.substr(start + 1, text.find('\n', start + 1) - start - 1);
}

TEST(Away, TheGuestGoesOnUnderTheProgramsIds) {
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

  const World world(program.pid().value);
  const auto guest = world.guest();
  ASSERT_OK(guest);
  auto away = fill_guest(*guest, *image, program.pid());
  ASSERT_OK(away);
  EXPECT_TRUE(status_line(*guest, "NSpid").ends_with("\t" + std::to_string(program.pid().value)));
  EXPECT_TRUE(status_line(*guest, "CapPrm").ends_with("0000000000000000"));
  EXPECT_EQ(*read_link("/proc/" + std::to_string(guest->value) + "/exe"), SELFCHECK_PROGRAM);
  ASSERT_OK(away->stop_all());
  ASSERT_OK(away->detach_all());
  EXPECT_EQ(program.ask("rounds"), "moving");
  EXPECT_EQ(program.ask("quit"), "PASS");
  end_shadow(*shadow);
}

TEST(Shadow, HoldsNoMemoryAndKeepsThreadsAndArguments) {
  SelfChecking program;
  ASSERT_EQ(program.read_line(), "ready");
  auto threads = ThreadSet::seize_all(program.pid(), PTRACE_O_EXITKILL);
  ASSERT_OK(threads);
  auto freeze = Freeze::begin(std::move(*threads));
  ASSERT_OK(freeze);
  auto capture = capture_process(*freeze);
  ASSERT_OK(capture);
  auto shadow = Shadow::make(std::move(*freeze), capture->process);
  ASSERT_OK(shadow);
  ASSERT_OK(shadow->drop_memory());
  std::uint64_t mapped = 0;
  const auto maps = read_maps(program.pid());
  ASSERT_OK(maps);
  for (const auto& entry : *maps)
    if (!entry.name.starts_with("[v")) mapped += entry.size();
  EXPECT_LE(mapped, StubPage::kSize + 4 * kPageSize);
  const auto arguments =
      *read_whole_file("/proc/" + std::to_string(program.pid().value) + "/cmdline");
  EXPECT_EQ(arguments, std::string(SELFCHECK_PROGRAM) + '\0');
  EXPECT_EQ(list_threads(program.pid())->size(), capture->process.threads().size() + 0u);
  end_shadow(*shadow);
}

}  // namespace
}  // namespace llrun::tracer
