// StreamWriter: passes on to one description of home what the guest has written to its stand-in.
//
// The description is shared with the shell and others, so it must not be made nonblocking
// (O_NONBLOCK belongs to the description, open(2)): each writer has a thread that may block in
// write(2). Bytes leave in the order of push(), each exactly once. EPIPE means that the last reader
// is gone; the rest is dropped then, as the kernel would have dropped it, and the guest's own
// writes get SIGPIPE through its stand-in.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/fd.h"
#include "base/result.h"

namespace llrun {

class StreamWriter {
 public:
  struct Callbacks {
    std::function<void(std::uint64_t total)> on_written;  // bytes passed on so far; writer's thread
    std::function<void()> on_reader_gone;                 // at most once; writer's thread
  };
  [[nodiscard]] static Result<std::unique_ptr<StreamWriter>> start(Fd description,
                                                                   Callbacks callbacks);
  ~StreamWriter();  // drops the bytes still queued; tasks of when_drained() run now
  StreamWriter(const StreamWriter&) = delete;
  StreamWriter& operator=(const StreamWriter&) = delete;

  void push(std::string bytes);
  // Run `task` (on the writer's thread) once everything pushed so far has been passed on.
  void when_drained(std::function<void()> task);

 private:
  StreamWriter(Fd description, Callbacks callbacks);
  struct Item {
    std::string bytes;
    std::function<void()> task;
  };
  void run();
  void write_out(const std::string& bytes);
  void report_reader_gone();
  // Wait until `description_` can be written or the end; a blocked write(2) could not be told to
  // stop.
  [[nodiscard]] bool wait_writable();

  Fd description_;
  Fd wake_;  // eventfd: the destructor's word to a waiting poll
  Callbacks callbacks_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Item> items_;
  bool ending_ = false;
  bool reader_gone_ = false;
  std::uint64_t total_ = 0;
  std::thread thread_;
};

}  // namespace llrun
