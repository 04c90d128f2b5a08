#include "supervisor/streams/stream_writer.h"

#include <limits.h>
#include <linux/magic.h>
#include <poll.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "base/event_fd.h"
#include "base/log.h"
#include "base/thread.h"

namespace llrun {
namespace {

bool is_nameless_pipe(int fd) {
  struct statfs about {};
  return ::fstatfs(fd, &about) == 0 && about.f_type == PIPEFS_MAGIC;
}

}  // namespace

StreamWriter::StreamWriter(Fd description, Callbacks callbacks)
    : description_(std::move(description)), callbacks_(std::move(callbacks)) {}

Result<std::unique_ptr<StreamWriter>> StreamWriter::start(Fd description, Callbacks callbacks) {
  std::unique_ptr<StreamWriter> self(
      new StreamWriter(std::move(description), std::move(callbacks)));
  LLRUN_TRY_ASSIGN(self->wake_, make_event());
  LLRUN_TRY_ASSIGN(self->work_, make_event());
  LLRUN_TRY_ASSIGN(self->thread_, make_thread([raw = self.get()] { raw->run(); }));
  return self;
}

StreamWriter::~StreamWriter() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  signal_event(wake_);
  thread_.join();
  // Nothing waits in vain: what was to follow the dropped bytes follows now.
  for (const Item& item : items_)
    if (item.task) item.task();
}

void StreamWriter::push(std::string bytes) {
  if (bytes.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    queued_bytes_ += bytes.size();
    const bool joins = !items_.empty() && !items_.back().task &&
                       items_.back().bytes.size() + bytes.size() <= kPiece;
    if (joins)
      items_.back().bytes += bytes;
    else
      items_.push_back({std::move(bytes), {}});
  }
  signal_event(work_);
}

std::uint64_t StreamWriter::queued_bytes() const {
  const std::lock_guard lock(mutex_);
  return queued_bytes_;
}

void StreamWriter::when_drained(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    items_.push_back({{}, std::move(task)});
  }
  signal_event(work_);
}

void StreamWriter::watch_reader() {
  {
    const std::lock_guard lock(mutex_);
    watches_reader_ = is_nameless_pipe(description_.get());
  }
  signal_event(work_);
}

void StreamWriter::run() {
  while (auto item = next()) {
    if (item->task)
      item->task();
    else
      write_out(item->bytes);
  }
}

std::optional<StreamWriter::Item> StreamWriter::next() {
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      if (ending_) return std::nullopt;
      if (!items_.empty()) {
        Item item = std::move(items_.front());
        items_.pop_front();
        return item;
      }
    }
    wait_for_work();
  }
}

void StreamWriter::wait_for_work() {
  bool watches = false;
  {
    const std::lock_guard lock(mutex_);
    watches = watches_reader_ && !reader_gone_;
  }
  // Nothing asked for: POLLERR is reported all the same (poll(2)). A negative one is passed over.
  std::array<pollfd, 3> polled{{{wake_.get(), POLLIN, 0},
                                {work_.get(), POLLIN, 0},
                                {watches ? description_.get() : -1, 0, 0}}};
  while (::poll(polled.data(), polled.size(), -1) < 0 && errno == EINTR) {
  }
  clear_event(work_);
  if ((polled[2].revents & POLLERR) != 0) report_reader_gone();
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
  {
    const std::lock_guard lock(mutex_);
    queued_bytes_ -= bytes.size();
  }
  callbacks_.on_written(total_);
}

void StreamWriter::report_reader_gone() {
  reader_gone_ = true;
  callbacks_.on_reader_gone();
}

}  // namespace llrun
