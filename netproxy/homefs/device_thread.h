// DeviceThread: the only holder of the descriptor of /dev/fuse that the view's requests come from.
//
// Closing it answers every request under way. So whoever waits for a file of the view must not be
// what keeps it open: a thread that SIGKILL has met ends only when its request is answered, and
// keeps the descriptors that it shares until then. Hence this thread has descriptors of its own
// (own_descriptors.h), touches no file, and ends whenever the process is told to end.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <unordered_set>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "netproxy/homefs/frame.h"

namespace llrun::homefs {

class DeviceThread {
 public:
  // Takes `device`, nonblocking, out of the caller's table.
  [[nodiscard]] static Result<std::unique_ptr<DeviceThread>> start(Fd device);
  ~DeviceThread();  // closes the device
  DeviceThread(const DeviceThread&) = delete;
  DeviceThread& operator=(const DeviceThread&) = delete;

  // Readable when requests wait, or the mount has ended.
  [[nodiscard]] int fd() const { return arrived_.get(); }
  // What has come since; an error once the mount has ended.
  [[nodiscard]] Result<std::vector<Frame>> take();
  void write(std::span<const std::byte> frame);
  [[nodiscard]] std::size_t pending() const { return pending_.load(); }
  // From here on every request fails (ECONNABORTED), those under way too.
  void refuse_all();

 private:
  DeviceThread(Fd device, Fd wake, Fd arrived)
      : device_(std::move(device)), wake_(std::move(wake)), arrived_(std::move(arrived)) {}
  // -- on the thread
  void run(int device);
  void write_queued(int device);
  [[nodiscard]] bool read_some(int device);  // false: the mount has ended
  void refuse_waiting(int device);
  [[nodiscard]] Frame take_frame(std::size_t size);
  void hand_over(Frame frame);
  void end(const Error& error);

  Fd device_;  // until the thread has it
  Fd wake_, arrived_;
  std::mutex mutex_;
  std::deque<Frame> replies_;
  std::vector<Frame> requests_;
  Result<> ended_;
  bool stopping_ = false;
  bool started_ = false;
  Result<> start_result_;
  std::condition_variable start_seen_;
  std::atomic<bool> refusing_ = false;
  std::atomic<std::size_t> pending_ = 0;
  Frame buffer_;                               // the thread's
  std::unordered_set<std::uint64_t> waiting_;  // the thread's: unique ids passed on
  std::thread thread_;
};

// Write one frame; ENOENT is no error: who asked is gone.
[[nodiscard]] Result<> write_frame(int device, std::span<const std::byte> frame);

}  // namespace llrun::homefs
