#include "supervisor/job/traffic.h"

#include <utility>

#include "base/bytes.h"
#include "base/log.h"

namespace llrun {

Result<> JobTraffic::start(std::uint32_t epoch) {
  LLRUN_TRY_ASSIGN(io_, IoThread::start());
  link_ = std::make_unique<Link>(
      io_->loop(),
      Link::Callbacks{[this](const wire::FrameHeader& header, std::span<const std::byte> payload) {
                        take_in(header, payload);
                      },
                      [this](const Error& error) {
                        on_link_lost();
                        tell_control([this, error] { callbacks_.on_lost(error); });
                      },
                      [this] {
                        on_acknowledged();
                        take_in_what_waits();
                      }});
  link_->set_epoch(epoch);
  return {};
}

Result<> JobTraffic::connect(Fd in, Fd out) {
  return io_->ask([this, &in, &out] { return link_->connect(std::move(in), std::move(out)); });
}

void JobTraffic::disconnect() {
  io_->ask([this] { link_->disconnect(); });
}

void JobTraffic::take_in(const wire::FrameHeader& header, std::span<const std::byte> payload) {
  if (late_.empty() && !link_->full()) return on_frame(header, payload);
  LaterFrame frame{header, {payload.begin(), payload.end()}};
  if (!late_bytes_.take(frame.cost()))
    return untrusted("more, and more, without taking what it gets for it");
  late_.push_back(std::move(frame));
}

void JobTraffic::take_in_what_waits() {
  while (!late_.empty() && !link_->full()) {
    const LaterFrame frame = std::move(late_.front());
    late_.pop_front();
    late_bytes_.give_back(frame.cost());
    on_frame(frame.header, frame.payload);
  }
}

void JobTraffic::on_frame(const wire::FrameHeader& header, std::span<const std::byte> payload) {
  if (header.type == wire::FrameType::kJob) {
    auto message = parts_.take(payload);
    if (!message) return untrusted(message.error().message());
    if (!*message) return;
    if (const auto sound = check(**message); !sound) return untrusted(sound.error().message());
    on_message(std::move(**message));
  } else if (header.type == wire::FrameType::kPages) {
    const auto pages = wire::parse_pages(payload);
    if (!pages) return untrusted(pages.error().message());
    tell_control_of(payload.size(), [this, address = pages->header.address,
                                     bytes = std::string(text_of(pages->bytes))] {
      callbacks_.on_pages(address, bytes);
    });
  } else {
    on_own_frame(header, payload);
  }
}

void JobTraffic::tell_control(std::function<void()> task) {
  control_.post([alive = std::weak_ptr(alive_), task = std::move(task)] {
    if (!alive.expired()) task();
  });
}

void JobTraffic::tell_control(protocol::JobMessage message) {
  // As it lies in memory: a few bytes on their way may be many here.
  const auto bytes = message.SpaceUsedLong();
  tell_control_of(bytes, [this, message = std::move(message)] { callbacks_.on_message(message); });
}

void JobTraffic::tell_control_of(std::uint64_t bytes, std::function<void()> task) {
  if (!waiting_->take(bytes)) return untrusted("more than can be dealt with");
  control_.post([alive = std::weak_ptr(alive_), waiting = waiting_, bytes, task = std::move(task)] {
    waiting->give_back(bytes);
    if (!alive.expired()) task();
  });
}

void JobTraffic::untrusted(const std::string& why) {
  log::error("{} sent {}: the link is closed", other_, why);
  link_->disconnect();
  tell_control([this, words = other_ + " sent " + why] {
    callbacks_.on_lost(Error{ErrorCode::kProtocol, 0, words});
  });
}

}  // namespace llrun
