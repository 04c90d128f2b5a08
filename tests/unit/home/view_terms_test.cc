// On which terms a peer gets the user's files. The program is a child of this process.
#include "supervisor/home/view_terms.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <functional>

#include "tests/unit/tracer/child.h"

namespace llrun {
namespace {

using homefs::KeptBack;
using Use = KeptBack::Use;

class ViewTermsTest : public ::testing::Test {
 protected:
  ViewTermsTest() {
    EXPECT_NE(::mkdtemp(root_.data()), nullptr);
    std::filesystem::create_directory(root_ + "/sub");
    for (const char* name : {"/secret", "/fixed", "/plain"})
      std::ofstream(root_ + name) << std::string(4096, 'x');
    std::filesystem::create_symlink("secret", root_ + "/link");
  }
  ~ViewTermsTest() override { std::filesystem::remove_all(root_); }

  [[nodiscard]] KeptBack kept() const {
    return KeptBack({.hide = {root_ + "/secret", root_ + "/none"},
                     .read_only = {root_ + "/fixed"},
                     .only = {}});
  }
  [[nodiscard]] std::string why(const std::string& path, Use use, bool follow = true) const {
    return why_at_home(kept(), walk_path(root_, path, follow), use);
  }
  // Why a child that has done this may not leave.
  template <typename Body>
  std::string why_not(const KeptBack& kept, Body body) {
    std::array<int, 2> ready{};
    EXPECT_EQ(::pipe2(ready.data(), O_CLOEXEC), 0);
    const tracer::Child child([&] {
      // Nothing of whoever runs the test.
      ::dup2(ready[1], STDERR_FILENO);
      ::close_range(STDERR_FILENO + 1, ~0U, 0);
      for (const int fd : {STDIN_FILENO, STDOUT_FILENO}) ::dup2(STDERR_FILENO, fd);
      body();
      if (::write(STDERR_FILENO, "x", 1) == 1) ::pause();
    });
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
    for (const int fd : ready) ::close(fd);
    return why_not_with_its_files(child.pid(), kept).value_or("");
  }
  int open(const char* name, int flags) const { return ::open((root_ + name).c_str(), flags); }
  void map(const char* name) const {
    const int fd = open(name, O_RDONLY);
    if (::mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED) ::_exit(1);
    ::close(fd);
  }
  std::string root_ = "/tmp/llrun-view-terms-XXXXXX";
};

TEST_F(ViewTermsTest, ProcIsAlwaysHidden) {
  config::KeptFiles files;
  EXPECT_EQ(rules_of(files), (KeptBack::Rules{.hide = {"/proc"}, .read_only = {}, .only = {}}));
  files.hide = {"/h"};
  files.read_only = {"/r"};
  files.only = {"/o"};
  EXPECT_EQ(rules_of(files),
            (KeptBack::Rules{.hide = {"/h", "/proc"}, .read_only = {"/r"}, .only = {"/o"}}));
}

TEST_F(ViewTermsTest, WhatIsKeptBackIsForHome) {
  const auto rule = "which [view] keeps from the node (hide = " + root_ + "/secret)";
  EXPECT_EQ(why("secret", Use::kRead), "it opens " + root_ + "/secret, " + rule);
  EXPECT_EQ(why("sub/../link", Use::kWrite), "it changes " + root_ + "/secret, " + rule);
  EXPECT_NE(why("fixed", Use::kWrite), "");
  EXPECT_NE(why("fixed", Use::kChange), "");
  EXPECT_NE(why("secret", Use::kMove), "");
  EXPECT_NE(why(".", Use::kMove), "") << "with what is hidden in it";
}

TEST_F(ViewTermsTest, AllElseIsNot) {
  for (const Use use : {Use::kRead, Use::kWrite, Use::kChange, Use::kMove}) {
    EXPECT_EQ(why("plain", use), "");
    EXPECT_EQ(why("plain/x", use), "");
    EXPECT_EQ(why("/dev/null", use), "") << "is the world's own";
    EXPECT_EQ(why("/proc/self/status", use), "");
  }
  EXPECT_EQ(why("fixed", Use::kRead), "");
  EXPECT_EQ(why("secret", Use::kChange), "");
  EXPECT_EQ(why("link", Use::kChange, false), "");
}

TEST_F(ViewTermsTest, ThatThereIsNoneIsToldButNoneIsMade) {
  EXPECT_EQ(why("none", Use::kRead), "");
  EXPECT_EQ(why("none/file", Use::kRead), "");
  EXPECT_NE(why("none", Use::kWrite), "");
  EXPECT_NE(why("none/file", Use::kWrite), "");
}

TEST_F(ViewTermsTest, NamesInADirectoryAreTold) {
  const KeptBack kept({.hide = {root_ + "/sub"}, .read_only = {}, .only = {"/usr"}});
  EXPECT_EQ(why_at_home(kept, walk_path(root_, "sub", true), Use::kRead), "");
  EXPECT_EQ(why_at_home(kept, walk_path("/", ".", true), Use::kRead), "");
}

TEST_F(ViewTermsTest, AProgramDoesNotLeaveWithWhatIsKeptBack) {
  EXPECT_EQ(why_not(kept(), [] {}), "");
  EXPECT_EQ(why_not(kept(), [this] { open("/plain", O_RDWR); }), "");
  EXPECT_EQ(why_not(kept(), [this] { open("/fixed", O_RDONLY); }), "");
  EXPECT_EQ(why_not(KeptBack(rules_of({})), [] { ::open("/proc/self/status", O_RDONLY); }), "")
      << "the pin of what is open there says it better";
  const auto open_secret = why_not(kept(), [this] { ::dup2(open("/secret", O_RDONLY), 100); });
  EXPECT_NE(open_secret.find("has " + root_ + "/secret open (fd "), std::string::npos)
      << open_secret;
  EXPECT_NE(open_secret.find("hide = " + root_ + "/secret"), std::string::npos) << open_secret;
  EXPECT_NE(why_not(kept(), [this] { open("/link", O_RDONLY); }), "");
  EXPECT_NE(why_not(kept(), [this] { open("/fixed", O_WRONLY); }), "");
  const auto mapped = why_not(kept(), [this] { map("/secret"); });
  EXPECT_NE(mapped.find("has " + root_ + "/secret mapped"), std::string::npos) << mapped;
}

TEST_F(ViewTermsTest, AFileThatHasLostItsNameIsStillKeptBack) {
  const auto loses = [this](const std::function<void()>& use) {
    std::ofstream(root_ + "/secret") << std::string(4096, 'x');
    return why_not(kept(), [&] {
      use();
      ::unlink((root_ + "/secret").c_str());
    });
  };
  EXPECT_NE(loses([this] { open("/secret", O_RDONLY); }), "");
  EXPECT_NE(loses([this] { map("/secret"); }), "");
  EXPECT_EQ(loses([this] { open("/plain", O_RDONLY); }), "");
}

// Where only some files are given out, the program's own memory is none of the others.
TEST_F(ViewTermsTest, MemoryWithoutAFileIsNotKeptBack) {
  const auto own = std::filesystem::read_symlink("/proc/self/exe").string();
  const KeptBack kept({.hide = {}, .read_only = {}, .only = {"/usr", "/tmp", own}});
  EXPECT_EQ(why_not(kept,
                    [] {
                      ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
                      ::memfd_create("memory", 0);
                    }),
            "");
  EXPECT_NE(why_not(kept, [] { ::open("/etc/passwd", O_RDONLY); }), "");
}

TEST_F(ViewTermsTest, UsesAreShownAsTextAndAsJson) {
  homefs::FileUses uses;
  EXPECT_EQ(text_of(uses).text, "it has used no file of this node's while it was away\n");
  EXPECT_EQ(text_of(uses).json, "");
  uses.of("/a")->opened = 2;
  uses.of("/a")->read = 4096;
  uses.of("/b\n\x1b[2J")->refused = 3;
  const auto files = text_of(uses);
  EXPECT_NE(files.text.find("       2         4096            0  /a\n"), std::string::npos)
      << files.text;
  EXPECT_NE(files.text.find("(refused 3 times)"), std::string::npos) << files.text;
  EXPECT_EQ(files.text.find('\x1b'), std::string::npos) << "no name commands a terminal";
  EXPECT_EQ(std::ranges::count(files.text, '\n'), 3);
  EXPECT_NE(files.json.find(R"("path":"/a")"), std::string::npos) << files.json;
  EXPECT_NE(files.json.find(R"("read_bytes":4096)"), std::string::npos) << files.json;
  EXPECT_NE(files.json.find(R"("refused":3)"), std::string::npos) << files.json;
  EXPECT_EQ(std::ranges::count(files.json, '\n'), 2);
}

}  // namespace
}  // namespace llrun
