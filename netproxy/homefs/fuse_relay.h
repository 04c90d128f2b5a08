// FuseRelay: the peer's end of the file view. Frames of /dev/fuse out, replies in; it understands
// neither.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <thread>
#include <unordered_set>

#include "base/fd.h"
#include "base/result.h"
#include "netproxy/homefs/frame.h"

namespace llrun::homefs {

// For one thread, that of the event loop: watch fd() for EPOLLIN and call on_readable().
//
// Ending a world: SIGKILL to all its processes first, then destroy the relay. Closing the last
// descriptor of /dev/fuse aborts the connection, and every request under way returns ECONNABORTED,
// which a living guest would see as a failed system call.
class FuseRelay {
 public:
  using OnRequest = std::function<void(Frame)>;

  // `fuse_device` as open_fuse_device() made it, mounted.
  [[nodiscard]] static Result<std::unique_ptr<FuseRelay>> create(Fd fuse_device,
                                                                 OnRequest on_request);
  ~FuseRelay();  // aborts
  FuseRelay(const FuseRelay&) = delete;
  FuseRelay& operator=(const FuseRelay&) = delete;

  [[nodiscard]] int fd() const { return device_.get(); }
  // Pass on all that is there. kGone: unmounted or aborted; stop watching.
  [[nodiscard]] Result<> on_readable();
  // A frame from home: a reply, or a notification (unique 0). Never blocks: notifications that
  // could wait for a guest's request are written by a thread of their own. kProtocol: the kernel
  // does not accept it.
  [[nodiscard]] Result<> write_reply(std::span<const std::byte> frame);
  // Requests passed on and not yet answered.
  [[nodiscard]] std::size_t pending() const { return waiting_.size(); }
  // Stop relaying and close our descriptor. Requests under way fail as soon as no other copy of it
  // exists.
  void abort();

 private:
  class Notifier;
  FuseRelay(Fd fuse_device, OnRequest on_request);
  [[nodiscard]] Result<bool> pass_one();
  [[nodiscard]] Frame take_frame(std::size_t size);
  void refuse_waiting();

  Fd device_;
  OnRequest on_request_;
  Frame buffer_;
  std::unordered_set<std::uint64_t> waiting_;  // unique ids
  std::unique_ptr<Notifier> notifier_;
};

}  // namespace llrun::homefs
