// StreamWriter: passes on to one description of home what the guest has written to its stand-in.
//
// The description is shared with the shell and others, so it must not be made nonblocking
// (O_NONBLOCK belongs to the description, open(2)): each writer has a thread that may block in
// write(2). Bytes leave in the order of push(), each exactly once. EPIPE means that the last reader
// is gone; the rest is dropped then, as the kernel would have dropped it, and the guest's own
// writes get SIGPIPE through its stand-in. Of a pipe without a name that is noticed while nothing
// is to be written, too: who polls its output for that (tail -f) learns it, and the first write
// after it fails, not the second. A FIFO can be opened for reading again.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/fd.h"
#include "base/result.h"

namespace llrun {

class StreamWriter {
 public:
  static constexpr std::size_t kPiece = 64 << 10;

  struct Callbacks {
    std::function<void(std::uint64_t total)> on_written;  // bytes passed on so far; writer's thread
    std::function<void()> on_reader_gone;                 // at most once; writer's thread
  };
  [[nodiscard]] static Result<std::unique_ptr<StreamWriter>> start(Fd description,
                                                                   Callbacks callbacks);
  ~StreamWriter();  // drops the bytes still queued; tasks of when_drained() run now
  StreamWriter(const StreamWriter&) = delete;
  StreamWriter& operator=(const StreamWriter&) = delete;

  // Of bytes that wait already, pieces become one as far as that is no longer than kPiece: else a
  // program that writes bytes one by one would need much more room for them than they are.
  void push(std::string bytes);
  // What was pushed and has not been passed on.
  [[nodiscard]] std::uint64_t queued_bytes() const;
  // From here on, also while there is nothing to write: whoever hears of it is there now.
  void watch_reader();
  // Run `task` (on the writer's thread) once everything pushed so far has been passed on.
  void when_drained(std::function<void()> task);

 private:
  StreamWriter(Fd description, Callbacks callbacks);
  struct Item {
    std::string bytes;
    std::function<void()> task;
  };
  void run();
  // The next item; nothing: it ends.
  [[nodiscard]] std::optional<Item> next();
  void wait_for_work();
  void write_out(const std::string& bytes);
  void report_reader_gone();
  // Wait until `description_` can be written or the end; a blocked write(2) could not be told to
  // stop.
  [[nodiscard]] bool wait_writable();

  Fd description_;
  Fd wake_;  // eventfd: the destructor's word to a waiting poll
  Fd work_;  // eventfd: there is something new in `items_`, or to watch for
  Callbacks callbacks_;
  mutable std::mutex mutex_;
  std::deque<Item> items_;
  std::uint64_t queued_bytes_ = 0;
  bool ending_ = false;
  bool watches_reader_ = false;
  bool reader_gone_ = false;
  std::uint64_t total_ = 0;
  std::thread thread_;
};

}  // namespace llrun
