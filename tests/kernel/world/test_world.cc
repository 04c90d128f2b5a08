#include "tests/kernel/world/test_world.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <thread>

#include "base/bytes.h"

namespace llrun::testing {
namespace {

constexpr int kGenerousMilliseconds = 60'000;

std::string make_view() {
  std::string name = "/tmp/llrun-world-XXXXXX";
  EXPECT_NE(::mkdtemp(name.data()), nullptr);
  for (const char* directory : {"/proc", "/dev", "/dev/shm"})
    EXPECT_EQ(::mkdir((name + directory).c_str(), 0755), 0);
  for (const char* fifo : {"/ask", "/answer"}) EXPECT_EQ(::mkfifo((name + fifo).c_str(), 0600), 0);
  return name;
}

Result<Fd> guest_executable() {
  LLRUN_TRY_ASSIGN(const auto bytes, read_whole_file(WORLD_GUEST));
  Fd file(::memfd_create("guest", MFD_CLOEXEC));
  if (!file.valid()) return system_error("memfd_create");
  LLRUN_TRY(write_all(file.get(), bytes_of(bytes)));
  return file;
}

}  // namespace

protocol::MakeWorld TestWorld::usual() {
  protocol::MakeWorld make;
  make.set_uid(1234);
  make.set_gid(2345);
  make.add_groups(2345);
  make.add_groups(27);
  make.set_host_name("home.example.org");
  make.set_domain_name("homedomain");
  make.set_monotonic_ahead_ns(5'000'000'000'000'000);
  make.set_boottime_ahead_ns(6'000'000'000'000'000);
  make.set_pid(30050);
  make.set_parent(30040);
  make.set_session(30040);
  make.set_group(30050);
  make.set_parent_session(30040);
  make.set_parent_group(30040);
  return make;
}

TestWorld::TestWorld(const protocol::MakeWorld& make) : make_(make), view_(make_view()) {}

TestWorld::~TestWorld() {
  ask_.reset();
  answer_.reset();
  world_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(view_, ignored);
}

void TestWorld::build() {
  WorldOptions options;
  options.mount_view = [this](const std::string& mountpoint) -> Result<std::vector<Fd>> {
    if (::mount(view_.c_str(), mountpoint.c_str(), nullptr, MS_BIND, nullptr) != 0)
      return system_error("bind the test's view");
    return std::vector<Fd>();
  };
  auto created = World::create(make_, std::move(options));
  ASSERT_TRUE(created) << created.error().message();
  world_ = std::move(*created);
  const auto entered = world_->enter_view();
  ASSERT_TRUE(entered) << entered.error().message();
}

void TestWorld::start_guest() {
  auto executable = guest_executable();
  ASSERT_TRUE(executable) << executable.error().message();
  auto guest = world_->spawn_guest(*executable);
  ASSERT_TRUE(guest) << guest.error().message();
  guest_ = std::move(*guest);
  // Both ways, so that neither open waits for the other side.
  ask_ = Fd(::open((view_ + "/ask").c_str(), O_RDWR | O_CLOEXEC));
  answer_ = Fd(::open((view_ + "/answer").c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(ask_.valid() && answer_.valid());
}

std::string TestWorld::read_answer() {
  std::string text;
  for (;;) {
    pollfd entry{answer_.get(), POLLIN, 0};
    if (::poll(&entry, 1, kGenerousMilliseconds) != 1) {
      ADD_FAILURE() << "the guest does not answer";
      return text;
    }
    char c = 0;
    if (::read(answer_.get(), &c, 1) != 1 || c == '\n') return text;
    text += c;
  }
}

std::string TestWorld::ask(const std::string& question) {
  EXPECT_TRUE(write_all(ask_.get(), bytes_of(question + "\n")));
  return read_answer();
}

std::vector<long> TestWorld::ask_numbers(const std::string& question) {
  std::istringstream text(ask(question));
  std::vector<long> numbers;
  for (long value = 0; text >> value;) numbers.push_back(value);
  return numbers;
}

void TestWorld::end() {
  ASSERT_NE(world_, nullptr);
  const auto destroyed = world_->destroy();
  EXPECT_TRUE(destroyed) << destroyed.error().message();
}

}  // namespace llrun::testing
