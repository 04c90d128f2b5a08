#include "netproxy/homefs/fuse_relay.h"

#include <utility>

#include "netproxy/homefs/device_thread.h"
#include "netproxy/homefs/frame_check.h"
#include "netproxy/homefs/notice_thread.h"

namespace llrun::homefs {

FuseRelay::FuseRelay(std::unique_ptr<DeviceThread> device, std::unique_ptr<NoticeThread> notices,
                     OnRequest on_request)
    : device_(std::move(device)),
      notices_(std::move(notices)),
      on_request_(std::move(on_request)) {}

Result<std::unique_ptr<FuseRelay>> FuseRelay::create(ViewDevices devices, OnRequest on_request) {
  LLRUN_TRY(set_nonblocking(devices.requests.get(), true));
  LLRUN_TRY_ASSIGN(auto notices, NoticeThread::start(std::move(devices.notices)));
  LLRUN_TRY_ASSIGN(auto device, DeviceThread::start(std::move(devices.requests)));
  return std::unique_ptr<FuseRelay>(
      new FuseRelay(std::move(device), std::move(notices), std::move(on_request)));
}

FuseRelay::~FuseRelay() { abort(); }

int FuseRelay::fd() const { return device_ ? device_->fd() : -1; }

std::size_t FuseRelay::pending() const { return device_ ? device_->pending() : 0; }

Result<> FuseRelay::on_readable() {
  if (!device_) return failure(ErrorCode::kGone, "the file view's mount");
  LLRUN_TRY_ASSIGN(auto frames, device_->take());
  for (Frame& frame : frames) on_request_(std::move(frame));
  return {};
}

Result<> FuseRelay::write_reply(std::span<const std::byte> frame) {
  const auto kind = kind_of_reply(frame);
  if (kind == ReplyKind::kMalformed)
    return failure(ErrorCode::kProtocol, "a file view reply of impossible length");
  if (!device_) return failure(ErrorCode::kGone, "the file view's mount");
  if (kind != ReplyKind::kNotice)
    device_->write(frame);
  else if (!notices_->post(frame))
    return failure(ErrorCode::kProtocol, "more file view notifications than anybody has");
  return {};
}

// A notification under way may wait for a request that nobody will answer any more: so each is
// refused until the notifications have ended.
void FuseRelay::abort() {
  if (!device_) return;
  device_->refuse_all();
  notices_.reset();
  device_.reset();
}

}  // namespace llrun::homefs
