// FuseRelay: the peer's end of the file view. Frames of /dev/fuse out, replies in; it understands
// neither.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>

#include "base/fd.h"
#include "base/result.h"
#include "netproxy/homefs/file_view_mount.h"
#include "netproxy/homefs/frame.h"

namespace llrun::homefs {

class DeviceThread;
class NoticeThread;

// For one thread, that of the event loop: watch fd() for EPOLLIN and call on_readable().
//
// The descriptors of /dev/fuse are held by two threads of the relay alone, which have tables of
// their own, so no thread of this process that waits for a file of the view keeps the connection
// alive: when the process is killed, the view ends, and so does the wait (docs/file-view.md).
//
// Ending a world: SIGKILL to all its processes first, then destroy the relay. Closing the last
// descriptor of /dev/fuse aborts the connection, and every request under way returns ECONNABORTED,
// which a living guest would see as a failed system call.
class FuseRelay {
 public:
  using OnRequest = std::function<void(Frame)>;

  // `devices` as open_view() made them, mounted; their descriptors leave this thread's
  // table.
  [[nodiscard]] static Result<std::unique_ptr<FuseRelay>> create(ViewDevices devices,
                                                                 OnRequest on_request);
  ~FuseRelay();  // aborts
  FuseRelay(const FuseRelay&) = delete;
  FuseRelay& operator=(const FuseRelay&) = delete;

  [[nodiscard]] int fd() const;
  // Pass on all that is there. kGone: unmounted or aborted; stop watching.
  [[nodiscard]] Result<> on_readable();
  // A frame from home: a reply, or a notification (unique 0). Never blocks. kProtocol: no frame.
  [[nodiscard]] Result<> write_reply(std::span<const std::byte> frame);
  // Requests passed on and not yet answered.
  [[nodiscard]] std::size_t pending() const;
  // Every request under way fails, and the connection ends. Waits for a notification that the
  // kernel is just being told.
  void abort();

 private:
  FuseRelay(std::unique_ptr<DeviceThread> device, std::unique_ptr<NoticeThread> notices,
            OnRequest on_request);

  std::unique_ptr<DeviceThread> device_;
  std::unique_ptr<NoticeThread> notices_;
  OnRequest on_request_;
};

}  // namespace llrun::homefs
