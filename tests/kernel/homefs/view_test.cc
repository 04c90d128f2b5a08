// The file view as programs see it, case by case.
#include <dirent.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include <filesystem>
#include <set>

#include "tests/kernel/homefs/files.h"
#include "tests/kernel/homefs/world.h"

namespace llrun::homefs::testing {
namespace {

namespace fs = std::filesystem;

// Each test has a tree at home; the guest sees it at guest.path("/...") and, being on the same
// machine, can also reach it directly at tree / "..." as a stranger at home would.
class FileView : public ::testing::Test {
 protected:
  std::string run(const GuestBody& body) {
    World world({.server = {.root = tree.path()}});
    return world.run(body);
  }
  TemporaryTree tree;
};

TEST_F(FileView, IsARootInWhichPythonRuns) {
  World world({.pivot = true});
  EXPECT_EQ(world.run([](Guest&) {
    return run_command(
        "python3 -c 'import json,re,decimal,sqlite3; "
        "print(json.dumps([re.sub(\"a\",\"b\",\"aa\"),str(decimal.Decimal(1)/3)[:5]]))'");
  }),
            "[\"bb\", \"0.333\"]\n0");
}

TEST_F(FileView, ShowsTheNamesAndBytesOfHome) {
  World world({.server = {.root = "/etc"}});
  EXPECT_EQ(world.run([](Guest& guest) -> std::string {
    std::set<std::string> direct, seen;
    for (const auto& entry : fs::directory_iterator("/etc")) direct.insert(entry.path().filename());
    for (const auto& entry : fs::directory_iterator(guest.path("/")))
      seen.insert(entry.path().filename());
    if (direct != seen) return "other names";
    return slurp("/etc/passwd") == slurp(guest.path("/passwd")) ? "" : "other bytes";
  }),
            "");
}

TEST_F(FileView, WrittenBytesAreHomeWhenWriteReturns) {
  EXPECT_EQ(run([&](Guest& guest) -> std::string {
              const int fd = ::open(guest.path("/f").c_str(), O_RDWR | O_CREAT, 0644);
              std::string expected;
              for (int i = 0; i < 50; ++i) {
                const std::string piece(static_cast<std::size_t>(i * 997 % 5000),
                                        static_cast<char>('a' + i % 26));
                WANT(outcome(write_text(fd, piece)), std::to_string(piece.size()));
                expected += piece;
                if (slurp(tree / "f") != expected)
                  return fmt::format("home lacks bytes after write {}", i);
              }
              return "";
            }),
            "");
}

TEST_F(FileView, LargeWritesAndReadsAreWhole) {
  EXPECT_EQ(run([&](Guest& guest) -> std::string {
              std::string data(std::size_t{9} << 20, 0);
              for (std::size_t i = 0; i < data.size(); ++i)
                data[i] = static_cast<char>((i * 2654435761U) >> 13);
              const int fd = ::open(guest.path("/big").c_str(), O_RDWR | O_CREAT, 0600);
              WANT(outcome(write_text(fd, data)), std::to_string(data.size()));
              if (slurp(tree / "big") != data) return "written wrongly";
              ::close(fd);
              return slurp(guest.path("/big")) == data ? "" : "read wrongly";
            }),
            "");
}

TEST_F(FileView, AnUnlinkedFileLivesOnAsLongAsItIsOpen) {
  EXPECT_EQ(run([&](Guest& guest) -> std::string {
              const auto path = guest.path("/gone");
              const int fd = ::open(path.c_str(), O_RDWR | O_CREAT, 0600);
              write_text(fd, "first ");
              WANT(outcome(::unlink(path.c_str())), "0");
              WANT(outcome(::access((tree / "gone").c_str(), F_OK)), "ENOENT");
              write_text(fd, "second");
              ::lseek(fd, 0, SEEK_SET);
              WANT(read_some(fd, 100), "first second");
              WANT(outcome(::ftruncate(fd, 3)), "0");
              struct stat attributes;
              ::fstat(fd, &attributes);
              WANT(std::to_string(attributes.st_size), "3");
              WANT(std::to_string(attributes.st_nlink), "0");
              WANT(outcome(::fchmod(fd, 0640)), "0");
              return link_of(fd).ends_with(" (deleted)") ? "" : link_of(fd);
            }),
            "");
}

// Two writers, one of them at home, appending in turn: nothing is lost and nothing overwritten.
TEST_F(FileView, AppendingGoesToHomesEndOfFile) {
  EXPECT_EQ(run([&](Guest& guest) -> std::string {
              std::string expected;
              for (const int mode : {O_WRONLY, O_RDWR}) {
                const int mine =
                    ::open(guest.path("/log").c_str(), mode | O_APPEND | O_CREAT, 0644);
                const int strangers = ::open((tree / "log").c_str(), O_WRONLY | O_APPEND);
                for (int i = 0; i < 40; ++i) {
                  const auto line = fmt::format("line {} of {}\n", i, mode);
                  write_text(i % 3 == 0 ? strangers : mine, line);
                  expected += line;
                }
                WANT(slurp(tree / "log"), expected);
                WANT(slurp(guest.path("/log")), expected);
              }
              return "";
            }),
            "");
}

TEST_F(FileView, AppendingCanBeSwitchedOnAndOff) {
  EXPECT_EQ(run([&](Guest& guest) -> std::string {
              const int fd = ::open(guest.path("/f").c_str(), O_RDWR | O_CREAT, 0644);
              write_text(fd, "0123456789");
              ::fcntl(fd, F_SETFL, O_APPEND);
              ::lseek(fd, 0, SEEK_SET);
              write_text(fd, "end");
              WANT(slurp(tree / "f"), "0123456789end");
              ::close(fd);
              const int other = ::open(guest.path("/f").c_str(), O_RDWR | O_APPEND);
              ::fcntl(other, F_SETFL, 0);
              ::lseek(other, 2, SEEK_SET);
              write_text(other, "XX");
              WANT(slurp(tree / "f"), "01XX456789end");
              return "";
            }),
            "");
}

TEST_F(FileView, OpeningFlagsMeanWhatTheyMean) {
  EXPECT_EQ(run([&](Guest& guest) -> std::string {
              spit(tree / "full", "content");
              fs::create_symlink("full", tree / "link");
              fs::create_symlink("nowhere", tree / "dangling");
              const auto open_as = [&](const char* name, int flags) {
                const int fd = ::open(guest.path(name).c_str(), flags, 0644);
                const auto what = fd < 0 ? outcome(fd) : "open";
                ::close(fd);
                return what;
              };
              WANT(open_as("/full", O_WRONLY | O_CREAT | O_EXCL), "EEXIST");
              WANT(open_as("/link", O_WRONLY | O_CREAT | O_EXCL), "EEXIST");
              WANT(open_as("/dangling", O_WRONLY | O_CREAT | O_EXCL), "EEXIST");
              WANT(open_as("/link", O_RDONLY | O_NOFOLLOW), "ELOOP");
              WANT(open_as("/full", O_RDONLY | O_NOFOLLOW), "open");
              WANT(open_as("/full", O_RDONLY | O_DIRECT), "open");
              WANT(open_as("/full", O_RDONLY | O_NOATIME), "open");
              WANT(open_as("/full", O_RDONLY | O_DIRECTORY), "ENOTDIR");
              WANT(open_as("/", O_RDWR), "EISDIR");
              WANT(slurp(tree / "full"), "content");
              WANT(open_as("/link", O_WRONLY | O_TRUNC), "open");
              WANT(slurp(tree / "full"), "");
              WANT(open_as("/dangling", O_WRONLY | O_CREAT), "open");
              WANT(outcome(::access((tree / "nowhere").c_str(), F_OK)), "0");
              const int created_read_only =
                  ::open(guest.path("/new").c_str(), O_RDWR | O_CREAT | O_EXCL, 0400);
              WANT(outcome(write_text(created_read_only, "x")), "1");
              WANT(slurp(tree / "new"), "x");
              return "";
            }),
            "");
}

TEST_F(FileView, ModesOfNewFilesFollowTheGuestsMask) {
  EXPECT_EQ(run([&](Guest& guest) -> std::string {
              for (const mode_t mask : {0U, 022U, 077U, 0137U}) {
                ::umask(mask);
                const auto make = [&](const std::string& base) {
                  const auto at = [&](const char* kind) {
                    return fmt::format("{}/{}{:o}", base, kind, mask);
                  };
                  ::close(::open(at("file").c_str(), O_CREAT | O_WRONLY, 0666));
                  ::mkdir(at("directory").c_str(), 01777);
                  ::mknod(at("fifo").c_str(), S_IFIFO | 0664, 0);
                  ::mknod(at("socket").c_str(), S_IFSOCK | 0777, 0);
                  ::mknod(at("node").c_str(), S_IFREG | 0755, 0);
                  std::string modes;
                  for (const auto* kind : {"file", "directory", "fifo", "socket", "node"}) {
                    struct stat attributes {};
                    ::lstat(at(kind).c_str(), &attributes);
                    modes += fmt::format("{:o} ", attributes.st_mode);
                  }
                  return modes;
                };
                ::mkdir((tree / "direct").c_str(), 0777);
                ::mkdir((tree / "view").c_str(), 0777);
                const auto direct = make(tree / "direct");
                WANT(make(guest.path("/view")), direct);
              }
              return "";
            }),
            "");
}

TEST_F(FileView, RenamesKeepTheirFlags) {
  EXPECT_EQ(run([&](Guest& guest) -> std::string {
              spit(tree / "a", "A");
              spit(tree / "b", "B");
              const auto a = guest.path("/a"), b = guest.path("/b"), c = guest.path("/c");
              WANT(outcome(::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_NOREPLACE)),
                   "EEXIST");
              WANT(outcome(::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE)),
                   "0");
              WANT(slurp(tree / "a") + slurp(b), "BA");
              const int held = ::open(a.c_str(), O_RDONLY);
              WANT(outcome(::rename(b.c_str(), a.c_str())), "0");
              WANT(read_some(held, 9), "B");
              WANT(outcome(::rename(a.c_str(), c.c_str())), "0");
              WANT(slurp(c), "A");
              WANT(outcome(::link(c.c_str(), b.c_str())), "0");
              struct stat attributes;
              ::stat(c.c_str(), &attributes);
              WANT(std::to_string(attributes.st_nlink), "2");
              return "";
            }),
            "");
}

TEST_F(FileView, PermissionsAreHomes) {
  EXPECT_EQ(run([&](Guest& guest) -> std::string {
              ::mkdir((tree / "closed").c_str(), 0700);
              spit(tree / "closed/inside", "x");
              spit(tree / "unreadable", "x");
              spit(tree / "readonly", "x");
              ::chmod((tree / "unreadable").c_str(), 0);
              ::chmod((tree / "readonly").c_str(), 0444);
              ::chmod((tree / "closed").c_str(), 0);
              const auto ask = [](const std::string& base) {
                const auto at = [&](const char* name) { return base + name; };
                std::string answers;
                for (const auto* name :
                     {"/unreadable", "/readonly", "/closed", "/closed/inside", "/none"}) {
                  for (const int mode : {F_OK, R_OK, W_OK, X_OK})
                    answers += outcome(::access(at(name).c_str(), mode)) + " ";
                  for (const int flags : {O_RDONLY, O_WRONLY})
                    answers +=
                        std::string(::open(at(name).c_str(), flags) < 0 ? outcome(-1) : "open") +
                        " ";
                  answers += outcome(::chdir(at(name).c_str())) + "\n";
                }
                return answers;
              };
              const auto direct = ask(tree.path());
              WANT(ask(guest.path("")), direct);
              ::chmod((tree / "closed").c_str(), 0700);
              return "";
            }),
            "");
}

// Files of root's, and /tmp itself, which belongs to an id the world cannot map.
TEST_F(FileView, OthersFilesAreRefusedAsAtHomeAndTmpIsUsable) {
  World world({});
  EXPECT_EQ(world.run([&](Guest& guest) -> std::string {
    WANT(outcome(::open(guest.path("/etc/passwd").c_str(), O_WRONLY)), "EACCES");
    WANT(outcome(::open(guest.path("/etc/shadow").c_str(), O_RDONLY)), "EACCES");
    WANT(outcome(::open(guest.path("/etc/new").c_str(), O_WRONLY | O_CREAT, 0644)), "EACCES");
    // EACCES at home; the kernel has a say of its own about owners that it cannot map.
    WANT(outcome(::unlink(guest.path("/etc/passwd").c_str())), "EOVERFLOW");
    const auto name = guest.path("/tmp/llrun-homefs-made-" + std::to_string(::getpid()));
    const int fd = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd < 0) return "cannot create in /tmp: " + outcome(fd);
    struct stat attributes;
    ::fstat(fd, &attributes);
    WANT(std::to_string(attributes.st_uid), std::to_string(::geteuid()));
    WANT(outcome(::unlink(name.c_str())), "0");
    return "";
  }),
            "");
}

TEST_F(FileView, SpecialFilesAreWhatTheyAre) {
  EXPECT_EQ(run([&](Guest& guest) -> std::string {
              ::mkfifo((tree / "fifo").c_str(), 0600);
              fs::create_symlink("some/where else", tree / "link");
              WANT(fs::read_symlink(guest.path("/link")).string(), "some/where else");
              WANT(outcome(::symlink("target", guest.path("/made").c_str())), "0");
              WANT(fs::read_symlink(tree / "made").string(), "target");
              struct stat attributes;
              ::lstat(guest.path("/fifo").c_str(), &attributes);
              WANT(fmt::format("{:o}", attributes.st_mode), "10600");
              return "";
            }),
            "");
}

TEST_F(FileView, FilesOfProcGiveTheirDataThoughTheySayTheyAreEmpty) {
  World world({.server = {.root = "/proc"}});
  EXPECT_EQ(world.run([](Guest& guest) -> std::string {
    WANT(slurp(guest.path("/version")), slurp("/proc/version"));
    WANT(slurp(guest.path("/sys/kernel/ostype")), slurp("/proc/sys/kernel/ostype"));
    return slurp(guest.path("/cpuinfo")).size() > 100 ? "" : "no processors";
  }),
            "");
}

TEST_F(FileView, LargeDirectoriesAreListedOnceAndCompletely) {
  EXPECT_EQ(run([&](Guest& guest) -> std::string {
              constexpr int kCount = 5000;
              ::mkdir((tree / "many").c_str(), 0755);
              for (int i = 0; i < kCount; ++i)
                ::close(::open(fmt::format("{}/a-rather-long-name-{}", tree / "many", i).c_str(),
                               O_CREAT | O_WRONLY, 0600));
              DIR* directory = ::opendir(guest.path("/many").c_str());
              std::set<std::string> names;
              std::size_t count = 0;
              long middle = 0;
              std::string after_middle;
              while (const auto* entry = ::readdir(directory)) {
                if (count == 2500) after_middle = entry->d_name;
                names.insert(entry->d_name);
                if (++count == 2500) middle = ::telldir(directory);
              }
              WANT(std::to_string(count), std::to_string(kCount + 2));
              WANT(std::to_string(names.size()), std::to_string(kCount + 2));
              ::seekdir(directory, middle);
              WANT(std::string(::readdir(directory)->d_name), after_middle);
              ::rewinddir(directory);
              count = 0;
              while (::readdir(directory) != nullptr) ++count;
              WANT(std::to_string(count), std::to_string(kCount + 2));
              return outcome(::closedir(directory)) == "0" ? "" : "closedir";
            }),
            "");
}

// The guest's kernel remembers more files than home may have descriptors for: it is asked to
// forget.
TEST_F(FileView, ManyMoreFilesThanDescriptorsAreSeen) {
  ::mkdir((tree / "many").c_str(), 0755);
  for (int i = 0; i < 4000; ++i) spit(fmt::format("{}/{}", tree / "many", i), std::to_string(i));
  const auto descriptors = [] {
    return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
  };
  std::ptrdiff_t most = 0;
  World world({.server = {.root = tree.path(), .known_files = 300},
               .on_ask = [&](World&, const std::string&) {
                 most = std::max(most, descriptors());
                 return std::string();
               }});
  EXPECT_EQ(world.run([](Guest& guest) -> std::string {
    const int held = ::open(guest.path("/many/7").c_str(), O_RDONLY);
    for (int i = 0; i < 4000; ++i) {
      WANT(slurp(guest.path(fmt::format("/many/{}", i))), std::to_string(i));
      if (i % 100 == 0) guest.ask("count");
    }
    WANT(read_some(held, 9), "7");
    WANT(link_of(held), guest.path("/many/7"));
    return "";
  }),
            "");
  EXPECT_LT(most, 1500);
}

TEST_F(FileView, MappingsReadAndWrite) {
  EXPECT_EQ(
      run([&](Guest& guest) -> std::string {
        spit(tree / "m", std::string(10000, 'm'));
        const int fd = ::open(guest.path("/m").c_str(), O_RDWR);
        auto* mine =
            static_cast<char*>(::mmap(nullptr, 10000, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
        mine[5000] = 'p';
        auto* ours =
            static_cast<char*>(::mmap(nullptr, 10000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
        if (mine == MAP_FAILED || ours == MAP_FAILED) return "cannot map";
        ours[9000] = 's';
        WANT(outcome(::msync(ours, 10000, MS_SYNC)), "0");
        std::string expected(10000, 'm');
        expected[9000] = 's';
        return slurp(tree / "m") == expected ? "" : "home has other bytes";
      }),
      "");
}

// Through a description that appends, pages of a mapping still go where they belong.
TEST_F(FileView, MappedPagesOfAnAppendingDescriptionStayInPlace) {
  EXPECT_EQ(run([&](Guest& guest) -> std::string {
              spit(tree / "m", std::string(8192, 'm'));
              const int fd = ::open(guest.path("/m").c_str(), O_RDWR | O_APPEND);
              auto* ours = static_cast<char*>(
                  ::mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
              if (ours == MAP_FAILED) return "cannot map";
              ours[4096] = 's';
              WANT(outcome(::msync(ours, 8192, MS_SYNC)), "0");
              std::string expected(8192, 'm');
              expected[4096] = 's';
              return slurp(tree / "m") == expected ? "" : "home has other bytes";
            }),
            "");
}

TEST_F(FileView, ExecutesWhatHomeWouldExecute) {
  EXPECT_EQ(run([&](Guest& guest) -> std::string {
              fs::copy_file("/bin/echo", tree / "echo");
              WANT(run_command(guest.path("/echo") + " hello"), "hello\n0");
              ::chmod((tree / "echo").c_str(), 0611);  // executable by others, but not by its owner
              const char* const arguments[] = {"echo", nullptr};
              WANT(outcome(::execv(guest.path("/echo").c_str(), const_cast<char**>(arguments))),
                   "EACCES");
              return "";
            }),
            "");
}

TEST_F(FileView, ExtendedAttributesArrive) {
  EXPECT_EQ(run([&](Guest& guest) -> std::string {
              spit(tree / "x", "x");
              const auto view = guest.path("/x"), direct = tree / "x";
              const auto supported = ::setxattr(direct.c_str(), "user.home", "abc", 3, 0);
              if (supported != 0)
                return "home's filesystem has no extended attributes: " + outcome(supported);
              char value[64];
              WANT(outcome(::getxattr(view.c_str(), "user.home", value, sizeof value)), "3");
              WANT(outcome(::setxattr(view.c_str(), "user.guest", "12345", 5, XATTR_CREATE)), "0");
              WANT(outcome(::setxattr(view.c_str(), "user.guest", "1", 1, XATTR_CREATE)), "EEXIST");
              WANT(outcome(::getxattr(direct.c_str(), "user.guest", value, sizeof value)), "5");
              WANT(std::string(value, 5), "12345");
              WANT(outcome(::getxattr(view.c_str(), "user.guest", value, 2)), "ERANGE");
              WANT(outcome(::listxattr(view.c_str(), nullptr, 0)),
                   outcome(::listxattr(direct.c_str(), nullptr, 0)));
              WANT(outcome(::removexattr(view.c_str(), "user.home")), "0");
              WANT(outcome(::getxattr(direct.c_str(), "user.home", value, sizeof value)),
                   "ENODATA");
              return "";
            }),
            "");
}

TEST_F(FileView, HolesCopiesAndSpaceAreHomes) {
  EXPECT_EQ(run([&](Guest& guest) -> std::string {
              const int fd = ::open(guest.path("/sparse").c_str(), O_RDWR | O_CREAT, 0600);
              ::pwrite(fd, "end", 3, 1 << 20);
              const int direct = ::open((tree / "sparse").c_str(), O_RDONLY);
              WANT(outcome(::lseek(fd, 0, SEEK_DATA)), outcome(::lseek(direct, 0, SEEK_DATA)));
              WANT(outcome(::lseek(fd, 0, SEEK_HOLE)), outcome(::lseek(direct, 0, SEEK_HOLE)));
              WANT(outcome(::lseek(fd, 2 << 20, SEEK_DATA)), "ENXIO");
              const int copy = ::open(guest.path("/copy").c_str(), O_RDWR | O_CREAT, 0600);
              loff_t from = (1 << 20) - 1, to = 0;
              WANT(outcome(::copy_file_range(fd, &from, copy, &to, 100, 0)), "4");
              WANT(slurp(tree / "copy"), std::string("\0end", 4));
              WANT(outcome(::posix_fallocate(copy, 0, 8192)), "0");
              WANT(std::to_string(fs::file_size(tree / "copy")), "8192");
              WANT(outcome(::fsync(copy)) + outcome(::fdatasync(copy)), "00");
              struct statvfs a, b;
              ::statvfs(guest.path("/").c_str(), &a);
              ::statvfs(tree.path().c_str(), &b);
              WANT(std::to_string(a.f_blocks) + " " + std::to_string(a.f_bsize),
                   std::to_string(b.f_blocks) + " " + std::to_string(b.f_bsize));
              return "";
            }),
            "");
}

TEST_F(FileView, AttributesCanBeSet) {
  EXPECT_EQ(run([&](Guest& guest) -> std::string {
              spit(tree / "f", "0123456789");
              const auto path = guest.path("/f");
              WANT(outcome(::chmod(path.c_str(), 0604)), "0");
              WANT(outcome(::truncate(path.c_str(), 4)), "0");
              const timespec times[2] = {{.tv_sec = 1000, .tv_nsec = 7},
                                         {.tv_sec = 2000, .tv_nsec = 123456789}};
              WANT(outcome(::utimensat(AT_FDCWD, path.c_str(), times, 0)), "0");
              WANT(outcome(::chown(path.c_str(), ::geteuid(), ::getegid())), "0");
              struct stat a, b;
              ::stat(path.c_str(), &a);
              ::stat((tree / "f").c_str(), &b);
              WANT(fmt::format("{:o} {} {} {}.{} {}", a.st_mode, a.st_size, a.st_atim.tv_sec,
                               a.st_mtim.tv_sec, a.st_mtim.tv_nsec, a.st_ino),
                   fmt::format("100604 4 1000 2000.123456789 {}", b.st_ino));
              return "";
            }),
            "");
}

// What another process at home has written is there at the next open, however young the guest's
// knowledge is.
TEST_F(FileView, AnOpenSeesWhatAStrangerHasWritten) {
  EXPECT_EQ(run([&](Guest& guest) -> std::string {
              for (int i = 0; i < 30; ++i) {
                const auto text = std::string(static_cast<std::size_t>(1 + i * 331),
                                              static_cast<char>('a' + i % 26));
                spit(tree / "f", text);
                WANT(slurp(guest.path("/f")), text);
              }
              return "";
            }),
            "");
}

// Home takes set-id bits away at a write; the guest sees it at once.
TEST_F(FileView, SetIdBitsGoAwayAtAWrite) {
  EXPECT_EQ(run([&](Guest& guest) -> std::string {
              spit(tree / "suid", "x");
              ::chmod((tree / "suid").c_str(), 04755);
              const int fd = ::open(guest.path("/suid").c_str(), O_RDWR);
              write_text(fd, "y");
              struct stat attributes;
              ::stat(guest.path("/suid").c_str(), &attributes);
              WANT(fmt::format("{:o}", attributes.st_mode), "100755");
              return "";
            }),
            "");
}

}  // namespace
}  // namespace llrun::homefs::testing
