// Programs that arrive with open files, and take the ones they have opened home again.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <mutex>
#include <vector>

#include "tests/kernel/homefs/files.h"
#include "tests/kernel/homefs/world.h"

namespace llrun::homefs::testing {
namespace {

namespace fs = std::filesystem;

// A guest asks "arm N", and gets what it needs to open the N-th description that the program had at
// home; "held N" has home say what is known of the description.
class Arrival : public ::testing::Test {
 protected:
  struct Had {
    Fd fd;  // home's own, of which the server gets a duplicate
    std::string path;
    HomeFileServer::Offset offset = HomeFileServer::Offset::kGuest;
  };

  void had(const std::string& name, int flags, HomeFileServer::Offset offset = {}) {
    had_.push_back(
        {Fd(::open((tree / name).c_str(), flags | O_CLOEXEC, 0644)), "/" + name, offset});
  }
  std::string run(const GuestBody& body) {
    World world({.server = {.root = tree.path(), .token = 77},
                 .on_ask = [this](World& w, const std::string& q) { return answer(w, q); },
                 .on_release = [this](DescriptionId id) { released(id); }});
    return world.run(body);
  }
  // In the guest.
  static Fd arrive(Guest& guest, int index) {
    const auto text = guest.ask(fmt::format("arm {}", index));
    std::istringstream parts(text);
    ArmedOpen armed;
    parts >> armed.id >> armed.flags >> armed.offset >> armed.path;
    armed.path = guest.path(armed.path);
    return open_armed(armed).value_or(Fd());
  }

  TemporaryTree tree;
  std::vector<Had> had_;
  std::vector<DescriptionId> released_;

 private:
  std::string answer(World& world, const std::string& question) {
    std::istringstream parts(question);
    std::string verb;
    DescriptionId number = 0;
    parts >> verb >> number;
    if (verb == "arm") return arm(world, had_.at(number));
    if (verb == "released") return has_released(number) ? "yes" : "no";
    if (verb == "home") return home_sees(world, number);
    return "";
  }
  static std::string arm(World& world, const Had& had) {
    const auto id = world.server().add_description(had.fd.duplicate().value(), had.offset).value();
    const auto path = world.server().arm(id, had.path).value();
    return fmt::format("{} {} {} {}", id, ::fcntl(had.fd.get(), F_GETFL),
                       ::lseek(had.fd.get(), 0, SEEK_CUR), path);
  }
  // Through a duplicate of the description that the guest opened itself.
  static std::string home_sees(World& world, DescriptionId id) {
    const auto fd = world.server().description_of(id);
    if (!fd) return "none";
    return fmt::format("{:o} {}", ::fcntl(fd->get(), F_GETFL) & (O_ACCMODE | O_APPEND),
                       link_of(fd->get()));
  }
  void released(DescriptionId id) {
    const std::lock_guard lock(mutex_);
    released_.push_back(id);
  }
  bool has_released(DescriptionId id) {
    const std::lock_guard lock(mutex_);
    return std::ranges::find(released_, id) != released_.end();
  }
  std::mutex mutex_;
};

TEST_F(Arrival, AnArmedOpenIsHomesOwnDescription) {
  spit(tree / "f", "0123456789");
  had("f", O_RDWR);
  ::chmod((tree / "f").c_str(), 0);  // opening it anew would be refused
  ::lseek(had_[0].fd.get(), 3, SEEK_SET);
  EXPECT_EQ(run([&](Guest& guest) -> std::string {
              const auto fd = arrive(guest, 0);
              if (!fd.valid()) return "did not arrive";
              WANT(outcome(::open(guest.path("/f").c_str(), O_RDWR)), "EACCES");
              WANT(read_some(fd.get(), 4), "3456");
              WANT(outcome(write_text(fd.get(), "XY")), "2");
              WANT(link_of(fd.get()), guest.path("/f"));
              return "";
            }),
            "");
  ::lseek(had_[0].fd.get(), 0, SEEK_SET);
  EXPECT_EQ(read_some(had_[0].fd.get(), 100), "0123456XY9");
}

TEST_F(Arrival, AnUnlinkedFileArrivesAndShowsAsDeleted) {
  spit(tree / "f", "still there");
  had("f", O_RDWR);
  fs::remove(tree / "f");
  EXPECT_EQ(run([&](Guest& guest) -> std::string {
              const auto fd = arrive(guest, 0);
              if (!fd.valid()) return "did not arrive";
              WANT(read_some(fd.get(), 100), "still there");
              struct stat attributes;
              WANT(outcome(::stat(guest.path("/f").c_str(), &attributes)), "ENOENT");
              for (int i = 0; i < 1000 && link_of(fd.get()) == guest.path("/f"); ++i)
                guest.ask("time passes");
              WANT(link_of(fd.get()), guest.path("/f") + " (deleted)");
              return "";
            }),
            "");
}

TEST_F(Arrival, AReplacedFileArrivesBesideItsSuccessor) {
  spit(tree / "f", "old");
  had("f", O_RDONLY);
  fs::remove(tree / "f");
  spit(tree / "f", "new");
  EXPECT_EQ(run([&](Guest& guest) -> std::string {
              const auto fd = arrive(guest, 0);
              if (!fd.valid()) return "did not arrive";
              WANT(read_some(fd.get(), 100), "old");
              WANT(slurp(guest.path("/f")), "new");
              return "";
            }),
            "");
}

TEST_F(Arrival, AFileWhoseDirectoryIsGoneArrives) {
  ::mkdir((tree / "d").c_str(), 0700);
  spit(tree / "d/f", "orphan");
  had("d/f", O_RDONLY);
  fs::remove_all(tree / "d");
  EXPECT_EQ(run([&](Guest& guest) -> std::string {
              const auto fd = arrive(guest, 0);
              if (!fd.valid()) return "did not arrive";
              WANT(read_some(fd.get(), 100), "orphan");
              return "";
            }),
            "");
}

TEST_F(Arrival, DirectoriesArrive) {
  ::mkdir((tree / "d").c_str(), 0700);
  spit(tree / "d/f", "x");
  had("d", O_RDONLY | O_DIRECTORY);
  EXPECT_EQ(run([&](Guest& guest) -> std::string {
              const auto fd = arrive(guest, 0);
              if (!fd.valid()) return "did not arrive";
              WANT(outcome(::faccessat(fd.get(), "f", R_OK, 0)), "0");
              return describe(fd.get()) ? "" : "not known";
            }),
            "");
}

// One file open twice, for reading and for writing.
TEST_F(Arrival, TwoDescriptionsOfAFileAreToldApart) {
  spit(tree / "f", "0123456789");
  had("f", O_RDONLY);
  had("f", O_WRONLY | O_APPEND);
  EXPECT_EQ(run([&](Guest& guest) -> std::string {
              const auto out = arrive(guest, 1);
              const auto in = arrive(guest, 0);
              if (!in.valid() || !out.valid()) return "did not arrive";
              WANT(outcome(write_text(out.get(), "ab")), "2");
              WANT(read_some(in.get(), 100), "0123456789ab");
              return "";
            }),
            "");
}

// { llrun a; echo b; } >out: the offset is home's, and a stranger who shares it moves it too.
TEST_F(Arrival, ASharedOffsetStaysAtHome) {
  spit(tree / "out", "");
  had("out", O_RDWR, HomeFileServer::Offset::kHome);
  EXPECT_EQ(run([&](Guest& guest) -> std::string {
              const auto fd = arrive(guest, 0);
              if (!fd.valid()) return "did not arrive";
              std::string expected;
              for (int i = 0; i < 40; ++i) {
                const auto line = fmt::format("line {}\n", i);
                // had_ is a copy of the parent's descriptor: the same description.
                write_text(i % 2 == 0 ? fd.get() : had_[0].fd.get(), line);
                expected += line;
              }
              WANT(slurp(tree / "out"), expected);
              ::lseek(had_[0].fd.get(), 0, SEEK_SET);
              WANT(read_some(fd.get(), 7), "line 0\n");
              WANT(read_some(had_[0].fd.get(), 7), "line 1\n");
              WANT(read_some(fd.get(), 7), "line 2\n");
              // What names a position means it, and moves nothing.
              char at[7];
              WANT(outcome(::pread(fd.get(), at, 6, 0)), "6");
              WANT(std::string(at, 6), "line 0");
              WANT(outcome(::pwrite(fd.get(), "LINE", 4, 7)), "4");
              struct stat attributes;
              ::fstat(fd.get(), &attributes);
              WANT(std::to_string(attributes.st_size), std::to_string(expected.size()));
              const auto* page = static_cast<const char*>(
                  ::mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, fd.get(), 0));
              if (page == MAP_FAILED) return "cannot map";
              WANT(std::string(page, 14), "line 0\nLINE 1\n");
              WANT(outcome(::lseek(had_[0].fd.get(), 0, SEEK_CUR)), "21");
              return "";
            }),
            "");
}

TEST_F(Arrival, PositionsAreMeantAlsoBeforeTheSharedOffsetWasUsed) {
  spit(tree / "in", "one\ntwo\nthree\n");
  had("in", O_RDWR, HomeFileServer::Offset::kHome);
  EXPECT_EQ(run([&](Guest& guest) -> std::string {
              const auto fd = arrive(guest, 0);
              char text[4];
              WANT(outcome(::pwrite(fd.get(), "TWO\n", 4, 4)), "4");
              WANT(outcome(::pread(fd.get(), text, 4, 8)), "4");
              WANT(std::string(text, 4), "thre");
              WANT(outcome(::lseek(had_[0].fd.get(), 0, SEEK_CUR)), "0");
              WANT(read_some(fd.get(), 4), "one\n");
              WANT(slurp(tree / "in"), "one\nTWO\nthree\n");
              return "";
            }),
            "");
}

TEST_F(Arrival, AppendingMovesTheSharedOffset) {
  spit(tree / "log", "before\n");
  had("log", O_RDWR | O_APPEND, HomeFileServer::Offset::kHome);
  EXPECT_EQ(run([&](Guest& guest) -> std::string {
              const auto fd = arrive(guest, 0);
              write_text(fd.get(), "away\n");
              WANT(outcome(::lseek(had_[0].fd.get(), 0, SEEK_CUR)), "12");
              write_text(had_[0].fd.get(), "home\n");
              write_text(fd.get(), "away again\n");
              WANT(slurp(tree / "log"), "before\naway\nhome\naway again\n");
              WANT(outcome(::lseek(had_[0].fd.get(), 0, SEEK_CUR)), "28");
              return "";
            }),
            "");
}

TEST_F(Arrival, DescriptionsThatTheGuestOpensAreKnownByTheirIds) {
  EXPECT_EQ(run([&](Guest& guest) -> std::string {
              const Fd fd(::open(guest.path("/new").c_str(), O_WRONLY | O_APPEND | O_CREAT, 0600));
              const auto answer = describe(fd.get());
              if (!answer) return answer.error().message();
              WANT(std::to_string(answer->server), "77");
              WANT(guest.ask(fmt::format("home {}", answer->id)), "2001 " + (tree / "new"));
              const Fd same(::dup(fd.get()));
              WANT(std::to_string(describe(same.get())->id), std::to_string(answer->id));
              const Fd other(::open(guest.path("/new").c_str(), O_WRONLY));
              if (describe(other.get())->id == answer->id) return "two descriptions with one id";
              const Fd stranger(::open("/dev/null", O_RDONLY));
              if (describe(stranger.get())) return "a stranger was recognised";
              WANT(outcome(::ioctl(fd.get(), _IOR('x', 1, int), nullptr)), "ENOTTY");
              return "";
            }),
            "");
}

TEST_F(Arrival, TheLastCloseIsReported) {
  spit(tree / "f", "x");
  had("f", O_RDONLY);
  EXPECT_EQ(run([&](Guest& guest) -> std::string {
              auto fd = arrive(guest, 0);
              Fd second(::dup(fd.get()));
              const auto question = fmt::format("released {}", describe(fd.get())->id);
              fd.reset();
              WANT(guest.ask(question), "no");
              second.reset();
              std::string answer;
              for (int i = 0; i < 100000 && (answer = guest.ask(question)) == "no"; ++i) {
              }
              return answer == "yes" ? "" : answer;
            }),
            "");
}

TEST_F(Arrival, WhatIsNoFileIsRefused) {
  auto server = HomeFileServer::start({.root = tree.path()}, {.send = [](Frame) {}}).value();
  auto pipe = make_pipe().value();
  EXPECT_EQ(server->add_description(std::move(pipe.first), {}).error().code,
            ErrorCode::kUnsupported);
  EXPECT_EQ(server->arm(99, "/f").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(server->description_of(99).error().code, ErrorCode::kGone);
}

}  // namespace
}  // namespace llrun::homefs::testing
