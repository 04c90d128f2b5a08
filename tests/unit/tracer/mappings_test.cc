// What a program's mappings are, but for their contents: the same after any journey, and no more of
// them.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/prctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "tests/capabilities/capability.h"
#include "tests/unit/tracer/child.h"
#include "tests/unit/tracer/journey.h"
#include "tracer/objects/memory.h"
#include "tracer/procfs/smaps.h"
#include "tracer/procfs/text.h"

namespace llrun::tracer {
namespace {

constexpr std::size_t kSize = 16 * kPageSize;
constexpr long kMseal = 462;

// A program that has prepared its memory and waits.
class Prepared {
 public:
  explicit Prepared(const std::function<bool()>& prepare)
      : told_(*make_pipe()), child_([&] {
          const char answer = prepare() ? 'y' : 'n';
          if (::write(told_.second.get(), &answer, 1) != 1) ::_exit(1);
          for (;;) ::pause();
        }) {
    char answer = 0;
    ready_ = ::read(told_.first.get(), &answer, 1) == 1 && answer == 'y';
  }
  [[nodiscard]] HostPid pid() const { return child_.pid(); }
  [[nodiscard]] bool ready() const { return ready_; }

 private:
  FdPair told_;
  Child child_;
  bool ready_ = false;
};

// Without soft-dirty, which pages were written since somebody asked.
std::string lasting_flags(const MapEntry& entry) {
  std::string flags = entry.vm_flags;
  if (const auto tracked = flags.find(" sd"); tracked != std::string::npos) flags.erase(tracked, 3);
  return flags;
}

// The kernel may keep neighbours of one kind apart that it would make one mapping today.
bool is_one_with(const MapEntry& entry, const MapEntry& next) {
  return entry.end == next.start && entry.name == next.name && entry.inode == 0 &&
         next.inode == 0 && lasting_flags(entry) == lasting_flags(next);
}

std::string in_words(const MapEntry& entry) {
  char place[64];
  std::snprintf(place, sizeof place, "%llx-%llx ", static_cast<unsigned long long>(entry.start),
                static_cast<unsigned long long>(entry.end));
  return place + lasting_flags(entry) + " " + entry.name;
}

std::vector<std::string> mappings_of(HostPid pid) {
  std::vector<MapEntry> whole;
  const auto entries = read_smaps(pid);
  if (!entries) return {};
  for (const auto& entry : *entries) {
    if (!whole.empty() && is_one_with(whole.back(), entry))
      whole.back().end = entry.end;
    else
      whole.push_back(entry);
  }
  std::vector<std::string> all;
  for (const auto& entry : whole) all.push_back(in_words(entry));
  return all;
}

// A line for each mapping that only one of them has.
std::string difference(const std::vector<std::string>& before,
                       const std::vector<std::string>& after) {
  std::string text;
  for (const auto& line : before)
    if (std::ranges::find(after, line) == after.end()) text += "- " + line + "\n";
  for (const auto& line : after)
    if (std::ranges::find(before, line) == before.end()) text += "+ " + line + "\n";
  return text;
}

void* map(int protection, int flags, std::size_t size = kSize) {
  return ::mmap(nullptr, size, protection, flags | MAP_ANONYMOUS, -1, 0);
}

void* map_file(int open_flags, int flags) {
  const Fd file = open_file("/proc/self/exe", open_flags).value_or(Fd());
  return ::mmap(nullptr, kPageSize, PROT_READ, flags, file.get(), 0);
}

// Each in a place of its own, with a guard around it that the kernel cannot merge with.
bool advise(int advice) {
  void* const at = map(PROT_READ | PROT_WRITE, MAP_PRIVATE);
  return at != MAP_FAILED && ::madvise(at, kSize, advice) == 0 &&
         map(PROT_NONE, MAP_PRIVATE) != MAP_FAILED;
}

// Address space that is only reserved, more than the machine could promise to fill.
bool reserve_more_than_there_is() {
  struct sysinfo machine {};
  ::sysinfo(&machine);
  const std::size_t all = (machine.totalram + machine.totalswap) * machine.mem_unit;
  return map(PROT_NONE, MAP_PRIVATE, 2 * all / kPageSize * kPageSize) != MAP_FAILED;
}

// Without the C library, which a sanitizer has lock nothing.
int lock(const void* start, std::size_t size) {
  return static_cast<int>(::syscall(SYS_mlock, start, size));
}

bool map_all_kinds() {
  constexpr int kOwn = MAP_PRIVATE;
  void* const locked = map(PROT_READ | PROT_WRITE, kOwn);
  void* const named = map(PROT_READ | PROT_WRITE, kOwn);
  ::prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, named, kSize, "a name");
  void* const once_writable = map(PROT_READ | PROT_WRITE, kOwn);
  *static_cast<char*>(once_writable) = 1;
  return lock(locked, 2 * kPageSize) == 0 && ::mprotect(once_writable, kSize, PROT_READ) == 0 &&
         map(PROT_READ, kOwn) != MAP_FAILED &&
         map(PROT_READ | PROT_WRITE | PROT_EXEC, kOwn) != MAP_FAILED &&
         map(PROT_READ | PROT_WRITE, kOwn | MAP_NORESERVE) != MAP_FAILED &&
         map(PROT_READ | PROT_WRITE, MAP_SHARED) != MAP_FAILED &&
         map_file(O_RDONLY, MAP_PRIVATE) != MAP_FAILED &&
         map_file(O_RDONLY, MAP_SHARED) != MAP_FAILED && advise(MADV_DONTFORK) &&
         advise(MADV_DONTDUMP) && advise(MADV_WIPEONFORK) && advise(MADV_RANDOM) &&
         advise(MADV_SEQUENTIAL) && reserve_more_than_there_is();
}

bool map_droppable() {
  void* const at =
      ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | kMapDroppable, -1, 0);
  if (at != MAP_FAILED) *static_cast<char*>(at) = 1;
  return at != MAP_FAILED;
}

Result<> travel(HostPid pid) {
  LLRUN_TRY_ASSIGN(auto threads, ThreadSet::seize_all(pid, PTRACE_O_EXITKILL));
  LLRUN_TRY_ASSIGN(auto home, there_and_home(std::move(threads)));
  LLRUN_TRY(home.stop_all());
  return home.detach_all();
}

Result<> give_up_a_journey(HostPid pid) {
  LLRUN_TRY_ASSIGN(auto threads, ThreadSet::seize_all(pid, PTRACE_O_EXITKILL));
  LLRUN_TRY_ASSIGN(auto freeze, Freeze::begin(std::move(threads)));
  LLRUN_TRY_ASSIGN(const auto capture, capture_process(freeze));
  LLRUN_TRY_ASSIGN(auto shadow, Shadow::make(std::move(freeze), capture.process));
  LLRUN_TRY_ASSIGN(auto back, shadow.resume_as_was(capture.process));
  LLRUN_TRY(back.stop_all());
  return back.detach_all();
}

void expect_the_same_after(const std::function<bool()>& prepare, Result<> (*journey)(HostPid)) {
  const Prepared program(prepare);
  ASSERT_TRUE(program.ready());
  const auto before = mappings_of(program.pid());
  for (int times = 0; times < 3; ++times) ASSERT_OK(journey(program.pid()));
  const auto after = mappings_of(program.pid());
  ASSERT_FALSE(before.empty());
  EXPECT_EQ(difference(before, after), "");
}

TEST(Mappings, AreTheSameAfterJourneys) { expect_the_same_after(map_all_kinds, travel); }

TEST(Mappings, AreTheSameAfterJourneysThatWereGivenUp) {
  expect_the_same_after(map_all_kinds, give_up_a_journey);
}

constexpr int kSetMdwe = 65;  // PR_SET_MDWE, Linux 6.3

bool deny_memory() {
  void* const code = map(PROT_READ | PROT_EXEC, MAP_PRIVATE);
  return code != MAP_FAILED && ::prctl(kSetMdwe, 1, 0, 0, 0) == 0 &&
         map(PROT_READ | PROT_EXEC, MAP_PRIVATE) != MAP_FAILED;
}

TEST(Mappings, OfAProgramThatDeniesItselfWrittenCode) {
  LLRUN_NEEDS(test::Capability::kDeniedExecution);
  expect_the_same_after(deny_memory, travel);
  expect_the_same_after(deny_memory, give_up_a_journey);
}

// As much as it has, and what a freeze needs.
bool limit_memory(__rlimit_resource resource, const char* key, std::uint64_t spare) {
  const auto status = read_whole_file("/proc/self/status").value_or("");
  const auto words = split_words(value_of(status, key).value_or(""));
  const auto now = words.empty() ? 0 : parse_number<std::uint64_t>(words.front()).value_or(0);
  const rlimit limit{now * 1024 + spare, now * 1024 + spare};
  return now != 0 && ::setrlimit(resource, &limit) == 0;
}

TEST(Mappings, OfAProgramWithoutRoomForMore) {
  expect_the_same_after([] { return limit_memory(RLIMIT_AS, "VmSize", StubPage::kSize); }, travel);
}

// Its files are never writable memory, not even for a while.
TEST(Mappings, OfAProgramWithoutRoomForMoreThatIsWritable) {
  const Prepared program([] { return limit_memory(RLIMIT_DATA, "VmData", StubPage::kSize); });
  ASSERT_TRUE(program.ready());
  for (int times = 0; times < 3; ++times) ASSERT_OK(travel(program.pid()));
}

TEST(Mappings, ThatMayBeDroppedMayStillBe) {
  LLRUN_NEEDS(test::Capability::kDroppableMemory);
  expect_the_same_after(map_droppable, travel);
}

TEST(Mappings, ThatMayBeDroppedAreNoticedFromOutside) {
  LLRUN_NEEDS(test::Capability::kDroppableMemory);
  const Prepared with(map_droppable);
  const Prepared without([] { return true; });
  ASSERT_TRUE(with.ready());
  const auto some = has_droppable_memory(with.pid());
  const auto none = has_droppable_memory(without.pid());
  ASSERT_OK(some);
  ASSERT_OK(none);
  EXPECT_TRUE(*some);
  EXPECT_FALSE(*none);
}

TEST(MappingPins, CodeFromBeforeTheProgramHasDeniedItselfSuch) {
  LLRUN_NEEDS(test::Capability::kDeniedExecution);
  const Prepared program([] {
    return map(PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE) != MAP_FAILED &&
           ::prctl(kSetMdwe, 1, 0, 0, 0) == 0;
  });
  ASSERT_TRUE(program.ready());
  auto threads = ThreadSet::seize_all(program.pid());
  ASSERT_OK(threads);
  auto freeze = Freeze::begin(std::move(*threads));
  ASSERT_OK(freeze);
  const auto capture = capture_process(*freeze);
  ASSERT_OK(capture);
  ASSERT_EQ(capture->pins.size(), 1U);
  EXPECT_NE(capture->pins[0].what.find("PR_SET_MDWE"), std::string::npos);
  ASSERT_OK(freeze->release());
}

void expect_pin(const std::function<bool()>& prepare, const std::string& words) {
  const Prepared program(prepare);
  ASSERT_TRUE(program.ready());
  const auto pins = memory_pins(program.pid());
  ASSERT_OK(pins);
  ASSERT_EQ(pins->size(), 1U);
  EXPECT_NE(pins->front().what.find(words), std::string::npos) << pins->front().what;
}

TEST(MappingPins, Sealed) {
  LLRUN_NEEDS(test::Capability::kSealedMemory);
  expect_pin([] { return ::syscall(kMseal, map(PROT_READ, MAP_PRIVATE), kSize, 0) == 0; },
             "is sealed");
}

TEST(MappingPins, AFileThatMayBeMadeWritable) {
  const auto map_temporary = [](int flags) {
    char name[] = "/tmp/mapped-XXXXXX";
    const Fd made(::mkstemp(name));
    const Fd file = open_file(name, flags).value_or(Fd());
    ::unlink(name);
    return ::ftruncate(made.get(), static_cast<off_t>(kSize)) == 0 &&
           ::mmap(nullptr, kSize, PROT_READ, MAP_SHARED, file.get(), 0) != MAP_FAILED;
  };
  expect_pin([&] { return map_temporary(O_RDWR); }, "may be made writable");
  const Prepared reader([&] { return map_temporary(O_RDONLY); });
  ASSERT_TRUE(reader.ready());
  const auto pins = memory_pins(reader.pid());
  ASSERT_OK(pins);
  EXPECT_TRUE(pins->empty());
}

bool lock_stack() {
  const auto maps = read_maps(HostPid{::getpid()});
  if (!maps) return false;
  return std::ranges::any_of(*maps, [](const MapEntry& entry) {
    return entry.name == "[stack]" && lock(reinterpret_cast<void*>(entry.start), entry.size()) == 0;
  });
}

// As mlockall leaves it. Of what is locked that is still to come the kernel shows nothing.
TEST(MappingPins, EverythingIsLocked) { expect_pin(lock_stack, "all its memory is locked"); }

// What only a stopped program shows is refused then, in words, and the program goes on as it was.
void expect_refusal(const std::function<bool()>& prepare, const std::string& words) {
  const Prepared program(prepare);
  ASSERT_TRUE(program.ready());
  const auto before = mappings_of(program.pid());
  const auto journey = travel(program.pid());
  ASSERT_FALSE(journey);
  EXPECT_NE(journey.error().message().find(words), std::string::npos) << journey.error().message();
  ASSERT_FALSE(before.empty());
  EXPECT_EQ(mappings_of(program.pid()), before);
}

TEST(Refusals, CallsThatAreSentBack) {
  LLRUN_NEEDS(test::Capability::kShownDispatch);
  static char selector = SYSCALL_DISPATCH_FILTER_ALLOW;
  expect_refusal(
      [] {
        return ::prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0, &selector) == 0;
      },
      "PR_SET_SYSCALL_USER_DISPATCH");
}

}  // namespace
}  // namespace llrun::tracer
