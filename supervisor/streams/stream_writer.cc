#include "supervisor/streams/stream_writer.h"

#include <limits.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "base/log.h"
#include "base/thread.h"

namespace llrun {

StreamWriter::StreamWriter(Fd description, Callbacks callbacks)
    : description_(std::move(description)),
      wake_(::eventfd(0, EFD_CLOEXEC)),
      callbacks_(std::move(callbacks)) {}

Result<std::unique_ptr<StreamWriter>> StreamWriter::start(Fd description, Callbacks callbacks) {
  std::unique_ptr<StreamWriter> self(
      new StreamWriter(std::move(description), std::move(callbacks)));
  LLRUN_TRY_ASSIGN(self->thread_, make_thread([raw = self.get()] { raw->run(); }));
  return self;
}

StreamWriter::~StreamWriter() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t woken = ::write(wake_.get(), &one, sizeof one);
  thread_.join();
  // Nothing waits in vain: what was to follow the dropped bytes follows now.
  for (const Item& item : items_)
    if (item.task) item.task();
}

void StreamWriter::push(std::string bytes) {
  const std::lock_guard lock(mutex_);
  items_.push_back({std::move(bytes), {}});
  changed_.notify_one();
}

void StreamWriter::when_drained(std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  items_.push_back({{}, std::move(task)});
  changed_.notify_one();
}

void StreamWriter::run() {
  for (;;) {
    Item item;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return ending_ || !items_.empty(); });
      if (ending_) return;
      item = std::move(items_.front());
      items_.pop_front();
    }
    if (item.task)
      item.task();
    else
      write_out(item.bytes);
  }
}

bool StreamWriter::wait_writable() {
  std::array<pollfd, 2> polled{{{description_.get(), POLLOUT, 0}, {wake_.get(), POLLIN, 0}}};
  while (::poll(polled.data(), polled.size(), -1) < 0 && errno == EINTR) {
  }
  return polled[1].revents == 0;
}

void StreamWriter::write_out(const std::string& bytes) {
  std::size_t done = 0;
  while (done < bytes.size() && !reader_gone_) {
    if (!wait_writable()) return;
    // A pipe that poll(2) calls writable takes PIPE_BUF bytes without blocking (pipe(7)).
    const std::size_t piece = std::min<std::size_t>(bytes.size() - done, PIPE_BUF);
    const ssize_t count = ::write(description_.get(), bytes.data() + done, piece);
    if (count > 0) {
      done += static_cast<std::size_t>(count);
    } else if (count < 0 && errno == EPIPE) {
      report_reader_gone();
    } else if (count < 0 && errno != EINTR && errno != EAGAIN) {
      log::error("output could not be passed on: {}", system_error("write").error().message());
      report_reader_gone();
    }
  }
  total_ += bytes.size();
  callbacks_.on_written(total_);
}

void StreamWriter::report_reader_gone() {
  reader_gone_ = true;
  callbacks_.on_reader_gone();
}

}  // namespace llrun
