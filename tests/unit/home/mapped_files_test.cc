// Mapped files to which no name leads any more, as home describes them for a guest and finds them
// for a program that comes back. The process looked at is this one, or its child.
#include "supervisor/home/mapped_files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/unit/tracer/child.h"
#include "tracer/objects/memory.h"
#include "tracer/procfs/switches.h"

namespace llrun {
namespace {

using tracer::Child;
constexpr std::size_t kSize = 4096;
const HostPid kUs{::getpid()};

class HomesMappedFiles : public ::testing::Test {
 protected:
  HomesMappedFiles() {
    LLRUN_CHECK(::mkdtemp(folder_.data()) != nullptr, folder_);
    path_ = folder_ + "/file";
    std::ofstream(path_) << std::string(kSize, 'x');
    files_ =
        homefs::HomeFileServer::start({.root = folder_}, {.send = [](homefs::Frame) {}}).value();
  }
  ~HomesMappedFiles() override {
    ::munmap(at_, kSize);
    files_.reset();
    std::filesystem::remove_all(folder_);
  }
  void map() {
    file_ = open_file(path_, O_RDONLY).value();
    at_ = ::mmap(nullptr, kSize, PROT_READ, MAP_PRIVATE, file_.get(), 0);
    ASSERT_NE(at_, MAP_FAILED);
    struct stat status {};
    ASSERT_EQ(::fstat(file_.get(), &status), 0);
    inode_ = status.st_ino;
  }
  [[nodiscard]] image::MemoryLayout layout_of(HostPid pid, const std::string& exe_path) const {
    image::MemoryLayout layout;
    layout.set_exe_path(exe_path);
    const auto captured = tracer::capture_mappings(pid);
    EXPECT_TRUE(captured);
    for (const auto& mapping : captured->mappings)
      if (mapping.inode() == inode_) *layout.add_mappings() = mapping;
    EXPECT_GT(layout.mappings_size(), 0);
    return layout;
  }
  [[nodiscard]] image::MemoryLayout own_layout() const {
    return layout_of(kUs, std::filesystem::read_symlink("/proc/self/exe"));
  }

  std::string folder_ = "/tmp/llrun-mapped-XXXXXX";
  std::string path_;
  std::unique_ptr<homefs::HomeFileServer> files_;
  Fd file_;
  void* at_ = MAP_FAILED;
  ino_t inode_ = 0;
};

TEST_F(HomesMappedFiles, WithoutANameAreDescribedByWhatTheProgramHasOpen) {
  map();
  ::unlink(path_.c_str());
  auto layout = own_layout();
  std::vector<Fd> duplicates;
  duplicates.push_back(std::move(file_));
  ASSERT_OK(describe_nameless_files(kUs, duplicates, *files_, layout));
  const auto& mapping = layout.mappings(0);
  EXPECT_EQ(mapping.backing(), image::Mapping::BACKING_FILE);
  EXPECT_EQ(mapping.path(), path_);
  const auto described = files_->description_of(mapping.file_id());
  ASSERT_OK(described);
  struct stat status {};
  ASSERT_EQ(::fstat(described->get(), &status), 0);
  EXPECT_EQ(status.st_ino, inode_);
  EXPECT_EQ(layout.exe_id(), 0U) << "this program's own has its name";
}

TEST_F(HomesMappedFiles, ThatNobodyHasOpenAreCopied) {
  map();
  file_.reset();
  ::unlink(path_.c_str());
  auto layout = own_layout();
  ASSERT_OK(describe_nameless_files(kUs, {}, *files_, layout));
  EXPECT_EQ(layout.mappings(0).backing(), image::Mapping::BACKING_FILE_COPIED);
  EXPECT_EQ(layout.mappings(0).file_id(), 0U);
}

TEST_F(HomesMappedFiles, ADeletedExecutableIsDescribedByItsProgram) {
  std::filesystem::copy_file("/bin/sleep", path_,
                             std::filesystem::copy_options::overwrite_existing);
  std::filesystem::permissions(path_, std::filesystem::perms::owner_all);
  struct stat status {};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  inode_ = status.st_ino;
  const Child child({path_, "1000"});
  const auto sleeps = [&] { return tracer::sleeps_in_call(child.pid(), child.main_thread()); };
  for (int tries = 0; tries < 20'000 && sleeps() != SYS_clock_nanosleep; ++tries) ::usleep(500);
  ASSERT_EQ(::unlink(path_.c_str()), 0);
  auto layout = layout_of(child.pid(), path_ + " (deleted)");
  ASSERT_OK(describe_nameless_files(child.pid(), {}, *files_, layout));
  EXPECT_EQ(layout.exe_path(), path_);
  const auto described = files_->description_of(layout.exe_id());
  ASSERT_OK(described);
  ASSERT_EQ(::fstat(described->get(), &status), 0);
  EXPECT_EQ(status.st_ino, inode_);
  EXPECT_EQ(layout.mappings(0).backing(), image::Mapping::BACKING_FILE);
}

// At a return: the name counts only while it leads to what was mapped.
TEST_F(HomesMappedFiles, AreMappedByTheirNameOnlyWhereItLeadsToThem) {
  map();
  const auto layout = own_layout();
  const auto sources = sources_at_home(*files_);
  const auto by_name = sources.nameless(layout.mappings(0));
  ASSERT_OK(by_name);
  EXPECT_FALSE(*by_name);
  std::ofstream(path_ + ".new") << std::string(kSize, 'y');
  ASSERT_EQ(::rename((path_ + ".new").c_str(), path_.c_str()), 0);
  const auto replaced = sources.nameless(layout.mappings(0));
  ASSERT_FALSE(replaced) << "the guest has no such file open";
  EXPECT_EQ(replaced.error().code, ErrorCode::kRefused);
}

}  // namespace
}  // namespace llrun
