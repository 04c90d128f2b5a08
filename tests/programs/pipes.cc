// A pipe within the program keeps what is in it, its size and flags, and its order between two
// threads. Of one that is half closed, what was left comes, then the end, and a write fails.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <thread>

#include "tests/programs/steps.h"

namespace {

// Takes the values of a pipe, which must come in the order in which they were put.
class Taker {
 public:
  void check(std::uint64_t value) {
    steps::check(value == steps::mixed(taken_), "value %lu of a pipe", taken_);
    ++taken_;
  }
  std::uint64_t taken() const { return taken_; }

 private:
  std::uint64_t taken_ = 0;
};

// Content that stays in the pipe from one step to the next.
class Store {
 public:
  Store() {
    steps::check(::pipe2(ends_, O_NONBLOCK | O_CLOEXEC) == 0, "pipe2");
    size_ = ::fcntl(ends_[1], F_SETPIPE_SZ, 128 << 10);
    for (int at = 0; at < 9000; ++at) put();
  }
  void exercise() {
    for (int at = 0; at < 500; ++at) {
      std::uint64_t value = 0;
      steps::check(::read(ends_[0], &value, sizeof value) == sizeof value, "reading a pipe");
      taker_.check(value);
      put();
    }
    steps::check(::fcntl(ends_[0], F_GETPIPE_SZ) == size_, "a pipe's size is %d",
                 ::fcntl(ends_[0], F_GETPIPE_SZ));
    steps::check(
        (::fcntl(ends_[0], F_GETFL) & O_NONBLOCK) != 0 && ::fcntl(ends_[1], F_GETFD) == FD_CLOEXEC,
        "a pipe's flags");
  }
  void drain() {
    std::uint64_t value = 0;
    while (::read(ends_[0], &value, sizeof value) == sizeof value) taker_.check(value);
    steps::check(errno == EAGAIN && taker_.taken() == put_, "%lu values taken of %lu",
                 taker_.taken(), put_);
  }

 private:
  void put() {
    const std::uint64_t value = steps::mixed(put_++);
    steps::check(::write(ends_[1], &value, sizeof value) == sizeof value, "writing into a pipe");
  }
  int ends_[2];
  int size_ = 0;
  std::uint64_t put_ = 0;
  Taker taker_;
};

// Fills a blocking pipe as fast as the other thread empties it.
class Stream {
 public:
  Stream() {
    steps::check(::pipe(ends_) == 0, "pipe");
    writer_ = std::thread([this] { write_all(); });
  }
  void take(int count) {
    for (int at = 0; at < count; ++at) {
      std::uint64_t value = 0;
      const ssize_t got = ::read(ends_[0], &value, sizeof value);
      steps::check(got == sizeof value, "reading a stream gave %zd", got);
      taker_.check(value);
    }
  }
  void end() {
    stop_ = true;
    std::uint64_t value = 0;
    while (::read(ends_[0], &value, sizeof value) == sizeof value) taker_.check(value);
    writer_.join();
  }

 private:
  void write_all() {
    for (std::uint64_t at = 0; !stop_; ++at) {
      const std::uint64_t value = steps::mixed(at);
      steps::check(::write(ends_[1], &value, sizeof value) == sizeof value,
                   "writing into a stream");
    }
    ::close(ends_[1]);
  }
  int ends_[2];
  std::atomic<bool> stop_{false};
  Taker taker_;
  std::thread writer_;
};

// Pipes of which one end is closed: what was left in them, and then the end; no reader.
class Halves {
 public:
  Halves() {
    std::signal(SIGPIPE, SIG_IGN);
    // Without close-on-exec, a process of its group that nobody may look into might have them, too.
    steps::check(::pipe2(left_, O_CLOEXEC) == 0 && ::pipe2(unread_, O_CLOEXEC) == 0, "pipe2");
    steps::check(::write(left_[1], "abcdefgh", 8) == 8, "writing into a pipe");
    ::close(left_[1]);
    ::close(unread_[0]);
  }
  void exercise() {
    char letter = 0;
    const ssize_t got = ::read(left_[0], &letter, 1);
    const bool good = taken_ < 8 ? got == 1 && letter == 'a' + taken_ : got == 0;
    steps::check(good, "reading what was left gave %zd, %d", got, letter);
    taken_ += got == 1 ? 1 : 0;
    steps::check(::write(unread_[1], "x", 1) == -1 && errno == EPIPE,
                 "writing into a pipe that nobody reads gave errno %d", errno);
  }

 private:
  int left_[2];
  int unread_[2];
  int taken_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  steps::begin(argc, argv);
  Store store;
  Stream stream;
  Halves halves;
  while (steps::next()) {
    store.exercise();
    halves.exercise();
    stream.take(20000);
    steps::work(8);
  }
  store.drain();
  stream.end();
  return steps::finish();
}
