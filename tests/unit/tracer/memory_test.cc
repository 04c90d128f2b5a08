// Which pages travel, what becomes of those that cannot be read, and how files without a name are
// had. The process looked at is this one.
#include "tracer/objects/memory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "tests/capabilities/capability.h"
#include "tests/unit/tracer/child.h"
#include "tracer/objects/mapped_files.h"
#include "tracer/procfs/switches.h"

namespace llrun::tracer {
namespace {

constexpr int kGuardInstall = 102;  // MADV_GUARD_INSTALL, Linux 6.13
const HostPid kUs{::getpid()};

class Memory {
 public:
  Memory(int pages, int flags, int fd = -1, int protection = PROT_READ | PROT_WRITE)
      : size_(static_cast<std::size_t>(pages) * kPageSize),
        at_(static_cast<char*>(::mmap(nullptr, size_, protection, flags, fd, 0))) {}
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() { ::munmap(at_, size_); }
  [[nodiscard]] char* page(int number) const {
    return at_ + static_cast<std::size_t>(number) * kPageSize;
  }
  [[nodiscard]] std::uint64_t address(int number) const {
    return reinterpret_cast<std::uint64_t>(page(number));
  }
  [[nodiscard]] image::PageRange all(image::PageRange::Kind kind) const {
    image::PageRange range;
    range.set_start(address(0));
    range.set_pages(size_ / kPageSize);
    range.set_kind(kind);
    return range;
  }

 private:
  std::size_t size_;
  char* at_;
};

// The record of the mapping that begins there.
image::Mapping record_at(std::uint64_t start) {
  const auto captured = capture_mappings(kUs);
  for (const auto& mapping : captured.value().mappings)
    if (mapping.start() <= start && start < mapping.end()) return mapping;
  return {};
}

class FileInFolder {
 public:
  FileInFolder() {
    EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
    fd_ = Fd(::open(path().c_str(), O_RDWR | O_CREAT, 0600));
    EXPECT_EQ(::ftruncate(fd_.get(), 4 * kPageSize), 0);
  }
  ~FileInFolder() {
    ::unlink(path().c_str());
    ::rmdir(folder_.c_str());
  }
  FileInFolder(const FileInFolder&) = delete;
  FileInFolder& operator=(const FileInFolder&) = delete;
  [[nodiscard]] std::string path() const { return folder_ + "/file"; }
  [[nodiscard]] Fd& fd() { return fd_; }

 private:
  std::string folder_ = "/tmp/llrun-memory-XXXXXX";
  Fd fd_;
};

// Guarded pages of shared memory, which travels whole, are none of its data: a read of them fails.
TEST(PlanPages, KeepsGuardPagesOfSharedMemory) {
  LLRUN_NEEDS(test::Capability::kGuardPagesOfSharedMemory);
  const Memory memory(4, MAP_SHARED | MAP_ANONYMOUS);
  *memory.page(0) = 1;
  ASSERT_EQ(::madvise(memory.page(1), kPageSize, kGuardInstall), 0);
  image::Mapping mapping;
  mapping.set_start(memory.address(0));
  mapping.set_end(memory.address(4));
  mapping.set_shared(true);
  mapping.set_backing(image::Mapping::BACKING_ANONYMOUS);
  const auto plan = plan_pages(kUs, {mapping});
  ASSERT_TRUE(plan) << plan.error().message();
  ASSERT_EQ(plan->size(), 3U);
  EXPECT_EQ((*plan)[0].kind(), image::PageRange::KIND_DATA);
  EXPECT_EQ((*plan)[1].kind(), image::PageRange::KIND_GUARD);
  EXPECT_EQ((*plan)[1].start(), memory.address(1));
  EXPECT_EQ((*plan)[2].pages(), 2U);
}

// A page that is there and cannot be read, which a guarded one stands for here: never a zero page.
TEST(ForEachPageBlock, FailsForAPageThatCannotBeRead) {
  LLRUN_NEEDS(test::Capability::kGuardPages);
  const Memory memory(2, MAP_PRIVATE | MAP_ANONYMOUS);  // so none follows that could be read
  for (int i = 0; i < 2; ++i) *memory.page(i) = 1;
  ASSERT_EQ(::madvise(memory.page(1), kPageSize, kGuardInstall), 0);
  std::size_t passed_on = 0;
  const auto read = for_each_page_block(kUs, {memory.all(image::PageRange::KIND_DATA)},
                                        [&](RemoteAddr, std::span<const std::byte> bytes) {
                                          passed_on += bytes.size();
                                          return Result<>();
                                        });
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message().find("cannot be read"), std::string::npos);
  EXPECT_EQ(passed_on, kPageSize);
}

// What a file that has errors leaves: no end, since a page behind it is there.
TEST(ForEachPageBlock, FailsForAHoleInFrontOfAPageThatIsThere) {
  FileInFolder file;
  ASSERT_EQ(::ftruncate(file.fd().get(), kPageSize), 0);
  const Memory memory(3, MAP_PRIVATE | MAP_ANONYMOUS);
  *memory.page(2) = 1;
  ASSERT_NE(
      ::mmap(memory.page(0), 2 * kPageSize, PROT_READ, MAP_PRIVATE | MAP_FIXED, file.fd().get(), 0),
      MAP_FAILED);
  const auto read =
      for_each_page_block(kUs, {memory.all(image::PageRange::KIND_DATA)},
                          [](RemoteAddr, std::span<const std::byte>) { return Result<>(); });
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message().find("a file that it has mapped has errors"), std::string::npos)
      << read.error().message();
}

TEST(ForEachPageBlock, LeavesOutTheEndOfAMappedFile) {
  FileInFolder file;
  ASSERT_EQ(::ftruncate(file.fd().get(), 2 * kPageSize), 0);
  const Memory memory(4, MAP_PRIVATE, file.fd().get());
  std::size_t passed_on = 0;
  const auto read = for_each_page_block(kUs, {memory.all(image::PageRange::KIND_DATA)},
                                        [&](RemoteAddr, std::span<const std::byte> bytes) {
                                          passed_on += bytes.size();
                                          return Result<>();
                                        });
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(passed_on, 2 * kPageSize);
}

TEST(MappedFiles, AreKnownByTheirNames) {
  FileInFolder file;
  const Memory memory(1, MAP_PRIVATE, file.fd().get(), PROT_READ);
  EXPECT_EQ(record_at(memory.address(0)).backing(), image::Mapping::BACKING_FILE);
  ASSERT_EQ(::rename(file.path().c_str(), (file.path() + ".old").c_str()), 0);
  EXPECT_EQ(record_at(memory.address(0)).path(), file.path() + ".old");
  EXPECT_EQ(record_at(memory.address(0)).backing(), image::Mapping::BACKING_FILE);
  ASSERT_EQ(::unlink((file.path() + ".old").c_str()), 0);
  EXPECT_EQ(record_at(memory.address(0)).backing(), image::Mapping::BACKING_FILE_COPIED);
}

TEST(MappedFiles, WithoutANameAreHadByWhatIsOpen) {
  FileInFolder file;
  const Memory memory(1, MAP_PRIVATE, file.fd().get(), PROT_READ);
  ::unlink(file.path().c_str());
  const auto mapping = record_at(memory.address(0));
  std::vector<Fd> duplicates;
  EXPECT_FALSE(nameless_file(kUs, mapping, duplicates));
  duplicates.push_back(file.fd().duplicate().value());
  const auto found = nameless_file(kUs, mapping, duplicates);
  ASSERT_TRUE(found);
  struct stat status {};
  ASSERT_EQ(::fstat(found->get(), &status), 0);
  EXPECT_EQ(status.st_ino, mapping.inode());
  EXPECT_EQ(::fcntl(found->get(), F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDONLY);
}

TEST(MappedFiles, ADeletedExecutableIsHadFromItsProgram) {
  const FileInFolder folder;
  const std::string program = folder.path() + "-sleep";
  std::filesystem::copy_file("/bin/sleep", program);
  const Child child({program, "1000"});
  const auto sleeps = [&] { return sleeps_in_call(child.pid(), child.main_thread()); };
  for (int tries = 0; tries < 20'000 && sleeps() != SYS_clock_nanosleep; ++tries) ::usleep(500);
  struct stat status {};
  ASSERT_EQ(::stat(program.c_str(), &status), 0);
  ASSERT_EQ(::unlink(program.c_str()), 0);
  const auto captured = capture_mappings(child.pid());
  ASSERT_OK(captured);
  const auto mapping = std::ranges::find(captured->mappings, status.st_ino,
                                         [](const auto& each) { return each.inode(); });
  ASSERT_NE(mapping, captured->mappings.end());
  EXPECT_EQ(mapping->backing(), image::Mapping::BACKING_FILE_COPIED);
  const auto found = nameless_file(child.pid(), *mapping, {});
  ASSERT_TRUE(found);
  struct stat had {};
  ASSERT_EQ(::fstat(found->get(), &had), 0);
  EXPECT_EQ(had.st_ino, status.st_ino);
}

// What may not be opened any more is no file without a name: it pins.
TEST(MappedFiles, ThatCannotBeOpenedPin) {
  std::map<FileName, Standing> standings;
  standings[{"/a", 1, 2}] = {NameLeads::kToIt, 0};
  standings[{"/b", 1, 3}] = {NameLeads::kElsewhere, 0};
  EXPECT_TRUE(pins_of_names(standings).empty());
  standings[{"/c", 1, 4}] = {NameLeads::kNotIn, EACCES};
  standings[{"/d", 1, 5}] = {NameLeads::kNotIn, ENOTCONN};
  standings[{"/e", 1, 6}] = {NameLeads::kNoAnswer, 0};
  const auto pins = pins_of_names(standings);
  ASSERT_EQ(pins.size(), 3U);
  EXPECT_NE(pins[0].what.find("/c mapped, which cannot be opened any more: Permission denied"),
            std::string::npos);
  EXPECT_EQ(pins[0].remedy, "let it be read again: chmod u+r /c");
  EXPECT_NE(pins[2].what.find("does not answer"), std::string::npos);
}

// Before any freeze, and at it. By somebody who may not read all, which a superuser may.
TEST(MappedFiles, ThatCannotBeOpenedAreAmongThePinsOfMemory) {
  FileInFolder file;
  const Memory memory(1, MAP_PRIVATE, file.fd().get(), PROT_READ);
  ASSERT_EQ(::fchmod(file.fd().get(), 0), 0);
  Child child([&] {
    if (::geteuid() == 0 && ::setresuid(65534, 65534, 65534) != 0) ::_exit(1);
    ::prctl(PR_SET_DUMPABLE, 1);  // one that has changed its user may not look at itself else
    const HostPid self{::getpid()};
    const auto has_it = [&](const Pins& pins) {
      return std::ranges::any_of(pins, [&](const Pin& pin) {
        return pin.what.starts_with("it has the file " + file.path() + " mapped, which cannot");
      });
    };
    const auto pins = memory_pins(self);
    if (!pins) ::_exit(2);
    if (!has_it(*pins)) ::_exit(3);
    const auto captured = capture_mappings(self);
    if (!captured) ::_exit(4);
    ::_exit(has_it(captured->pins) ? 0 : 5);
  });
  EXPECT_EQ(WEXITSTATUS(child.wait()), 0);
}

}  // namespace
}  // namespace llrun::tracer
