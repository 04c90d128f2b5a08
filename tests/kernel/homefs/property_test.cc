// Random file operations, through the view and directly: every result and every byte must be the
// same.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "tests/kernel/homefs/files.h"
#include "tests/kernel/homefs/world.h"

namespace llrun::homefs::testing {
namespace {

// One of two identical trees and the descriptors open in it. Both actors get the same operations.
class Actor {
 public:
  explicit Actor(std::string base) : base_(std::move(base)) {}

  // What the operation numbered by `random` came to.
  std::string act(std::mt19937 random) {
    const auto pick = [&random](unsigned bound) { return static_cast<unsigned>(random() % bound); };
    const auto a = name(pick(8)), b = name(pick(8));
    int& fd = fds_[pick(5)];
    const off_t offset = pick(20000);
    const std::size_t size = pick(9000);
    switch (pick(22)) {
      case 0:
      case 1:
        return open_file(fd, a, pick(3), pick(64), pick(512));
      case 2:
        return outcome(::close(std::exchange(fd, -1)));
      case 3:
      case 4:
        return outcome(::pwrite(fd, bytes(random, size).data(), size, offset));
      case 5:
      case 6:
        return outcome(write_text(fd, bytes(random, size)));
      case 7:
        return read_at(fd, size, offset);
      case 8:
      case 9:
        return read_some(fd, size);
      case 10:
        return seek(fd, offset, static_cast<int>(pick(3)));
      case 11:
        return outcome(::ftruncate(fd, offset));
      case 12:
        return outcome(::truncate(a.c_str(), offset));
      case 13:
        return outcome(::unlink(a.c_str()));
      case 14:
        return outcome(::rename(a.c_str(), b.c_str()));
      case 15:
        return outcome(::link(a.c_str(), b.c_str()));
      case 16:
        return outcome(::mkdir(a.c_str(), 0700 | pick(64))) + outcome(::rmdir(b.c_str()));
      case 17:
        return outcome(::symlink("./f1", a.c_str()));
      case 18:
        return look(a);
      case 19:
        return outcome(::chmod(a.c_str(), 0400 | pick(512)));
      case 20:
        return whole(a);
      default:
        return mapped(fd, offset);
    }
  }
  std::string tree() const {
    std::string text;
    for (unsigned i = 0; i < 8; ++i) text += look(name(i)) + whole(name(i)) + "\n";
    return text;
  }

 private:
  [[nodiscard]] std::string name(unsigned number) const {
    return fmt::format("{}/f{}", base_, number);
  }
  static std::string bytes(std::mt19937& random, std::size_t size) {
    std::string text(size, 0);
    for (auto& byte : text) byte = static_cast<char>(random());
    return text;
  }
  static std::string open_file(int& fd, const std::string& path, unsigned mode, unsigned bits,
                               unsigned permissions) {
    constexpr std::array kFlags{O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_NOFOLLOW, O_CREAT};
    int flags = static_cast<int>(mode);
    for (std::size_t i = 0; i < kFlags.size(); ++i)
      if ((bits >> i & 1U) != 0) flags |= kFlags[i];
    if (fd >= 0) ::close(fd);
    fd = ::open(path.c_str(), flags, 0600 | permissions);
    return fd < 0 ? outcome(fd) : "open";
  }
  // Which positions a directory has is each filesystem's own affair.
  static std::string seek(int fd, off_t offset, int whence) {
    struct stat attributes;
    if (::fstat(fd, &attributes) == 0 && S_ISDIR(attributes.st_mode)) return "none";
    return outcome(::lseek(fd, offset, whence));
  }
  static std::string read_at(int fd, std::size_t size, off_t offset) {
    std::string text(size, 0);
    const auto got = ::pread(fd, text.data(), size, offset);
    return got < 0 ? outcome(got) : text.substr(0, static_cast<std::size_t>(got));
  }
  static std::string mapped(int fd, off_t offset) {
    struct stat attributes;
    if (::fstat(fd, &attributes) != 0 || !S_ISREG(attributes.st_mode) ||
        offset >= attributes.st_size)
      return "none";
    auto* all =
        static_cast<char*>(::mmap(nullptr, 20480, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    if (all == MAP_FAILED) return outcome(-1);
    const std::string seen(all + offset, 1);
    all[offset] = 'M';
    const auto synced = outcome(::msync(all, 20480, MS_SYNC));
    ::munmap(all, 20480);
    return seen + synced;
  }
  static std::string look(const std::string& path) {
    struct stat attributes;
    if (::lstat(path.c_str(), &attributes) != 0) return outcome(-1);
    return fmt::format("{:o} {} {}", attributes.st_mode, attributes.st_nlink,
                       S_ISDIR(attributes.st_mode) ? 0 : attributes.st_size);
  }
  static std::string whole(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY);
    if (fd < 0) return outcome(fd);
    auto text = read_some(fd, 100000);
    ::close(fd);
    return text;
  }

  std::string base_;
  std::array<int, 5> fds_{-1, -1, -1, -1, -1};
};

std::string short_form(const std::string& text) {
  return fmt::format("{} bytes, hash {:x}: {:.60}", text.size(), std::hash<std::string>{}(text),
                     text.substr(0, 60));
}

std::string compare(Guest& guest, const std::string& home, unsigned seed, int steps) {
  ::umask(022);
  Actor direct(home + "/direct"), view(guest.path("/view"));
  std::mt19937 random(seed);
  for (int step = 0; step < steps; ++step) {
    const std::mt19937 operation(static_cast<unsigned>(random()));
    const auto wanted = direct.act(operation), seen = view.act(operation);
    if (wanted != seen)
      return fmt::format("seed {}, step {}: {} instead of {}", seed, step, short_form(seen),
                         short_form(wanted));
  }
  // Both as home sees them.
  if (Actor(home + "/view").tree() != direct.tree())
    return fmt::format("seed {}: other trees", seed);
  return "";
}

class RandomOperations : public ::testing::TestWithParam<unsigned> {};

TEST_P(RandomOperations, ComeToTheSame) {
  TemporaryTree tree;
  ::mkdir((tree / "direct").c_str(), 0700);
  ::mkdir((tree / "view").c_str(), 0700);
  const char* steps = std::getenv("LLRUN_TEST_STEPS");
  World world({.server = {.root = tree.path()}});
  EXPECT_EQ(world.run([&](Guest& guest) {
    return compare(guest, tree.path(), GetParam(), steps == nullptr ? 3000 : std::atoi(steps));
  }),
            "");
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomOperations, ::testing::Range(1U, 13U));

}  // namespace
}  // namespace llrun::homefs::testing
