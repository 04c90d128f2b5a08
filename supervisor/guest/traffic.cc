#include "supervisor/guest/traffic.h"

#include <sys/epoll.h>

#include <cstring>
#include <utility>

#include "base/bytes.h"
#include "base/log.h"
#include "supervisor/clock/readings.h"
#include "supervisor/job/greeting.h"
#include "supervisor/world/world.h"

namespace llrun {
namespace {
constexpr std::chrono::seconds kArmTimeout{30};
constexpr std::chrono::seconds kFirstPatience{30};  // until home has said what its lease is
}  // namespace

Result<std::unique_ptr<GuestTraffic>> GuestTraffic::create(EventLoop& control, std::uint32_t epoch,
                                                           Callbacks callbacks) {
  std::unique_ptr<GuestTraffic> traffic(new GuestTraffic(control, std::move(callbacks)));
  LLRUN_TRY(traffic->start(epoch));
  GuestTraffic* self = traffic.get();
  traffic->link_->set_patience(kFirstPatience);
  traffic->streams_ = std::make_unique<GuestStreams>(
      traffic->io_->loop(),
      GuestStreams::Callbacks{[self](std::uint32_t stream, std::string bytes) {
                                self->link_->send(wire::FrameType::kStreamData, stream,
                                                  std::move(bytes));
                              },
                              [self](std::uint32_t stream) {
                                protocol::JobMessage message;
                                message.mutable_stream_closed()->set_stream(stream);
                                self->link_->send(message);
                              }});
  traffic->io_->ask([self] {
    self->io_->loop().every(std::chrono::seconds(1), [self] { self->watch_silence(); });
  });
  return traffic;
}

void GuestTraffic::set_patience(std::chrono::milliseconds lease,
                                std::chrono::milliseconds abandon) {
  link_->set_patience(lease);
  abandon_ = abandon;
  lease_ = lease;
}

GuestTraffic::AwaitingFiles::AwaitingFiles(GuestTraffic& traffic) : traffic_(traffic) {
  traffic_.files_due_ = EventLoop::Clock::now() + traffic_.lease_.load();
}

void GuestTraffic::watch_silence() {
  if (relay_ && EventLoop::Clock::now() > files_due_.load()) {
    log::warn("files of home that the program has open do not answer: the world ends");
    return end_view_here();
  }
  if (!relay_ || silence() < abandon_.load()) return;
  log::warn("home has been silent for the abandon time: the world ends");
  end_view_here();
}

void GuestTraffic::end_view() {
  io_->ask([this] { end_view_here(); });
}

void GuestTraffic::end_view_here() {
  fail_arming();
  if (!relay_) return;
  World::end_all(world_);
  io_->loop().unwatch(relay_->fd());
  relay_.reset();
}

void GuestTraffic::fail_arming() {
  const std::lock_guard lock(arm_mutex_);
  arming_over_ = true;
  for (auto& [id, waiting] : std::exchange(arming_, {})) {
    protocol::Armed none;
    none.set_error("the link to home is lost");
    waiting.set_value(none);
  }
}

GuestTraffic::~GuestTraffic() {
  if (!io_) return;
  io_->ask([this] {
    end_view_here();
    streams_.reset();
    link_.reset();
  });
}

Result<> GuestTraffic::relay_files(homefs::ViewDevices devices, Fd world) {
  LLRUN_TRY_ASSIGN(auto relay,
                   homefs::FuseRelay::create(std::move(devices), [this](homefs::Frame frame) {
                     link_->send(wire::FrameType::kFileRequest, 0, std::string(text_of(frame)));
                   }));
  return io_->ask([this, &relay, &world]() -> Result<> {
    if (!link_->connected()) return failure(ErrorCode::kGone, "serve files: the link is lost");
    relay_ = std::move(relay);
    world_ = std::move(world);
    return io_->loop().watch(relay_->fd(), EPOLLIN, [this](std::uint32_t) { on_fuse_readable(); });
  });
}

void GuestTraffic::on_fuse_readable() {
  auto passed = relay_->on_readable();
  if (passed) return;
  log::info("the file view has ended: {}", passed.error().message());
  io_->loop().unwatch(relay_->fd());
}

Result<> GuestTraffic::resume(Fd in, Fd out, const protocol::Hello& answer) {
  if (!filled_) return failure(ErrorCode::kGone, "go on: the program was not complete here");
  LLRUN_TRY(say_hello(out.get(), answer));
  return link_->connect(std::move(in), std::move(out));
}

Result<> GuestTraffic::start_streams() {
  return io_->ask([this] { return streams_->start(); });
}

void GuestTraffic::drain_streams() {
  io_->ask([this] { streams_->drain(); });
}

Result<std::string> GuestTraffic::arm(std::uint64_t home_id, const std::string& path) {
  std::future<protocol::Armed> answer;
  {
    const std::lock_guard lock(arm_mutex_);
    if (arming_over_)
      return failure(ErrorCode::kGone, "open " + path + ": the link to home is lost");
    arming_[home_id] = {};
    answer = arming_[home_id].get_future();
  }
  protocol::JobMessage wish;
  wish.mutable_arm_description()->set_home_id(home_id);
  wish.mutable_arm_description()->set_path(path);
  link_->send(wish);
  if (answer.wait_for(kArmTimeout) != std::future_status::ready)
    return failure(ErrorCode::kTimeout, "home did not say how to open " + path);
  const protocol::Armed armed = answer.get();
  if (!armed.error().empty()) return failure(ErrorCode::kRefused, armed.error());
  return armed.path();
}

void GuestTraffic::on_armed(const protocol::Armed& armed) {
  const std::lock_guard lock(arm_mutex_);
  const auto waiting = arming_.find(armed.home_id());
  if (waiting == arming_.end()) return;
  waiting->second.set_value(armed);
  arming_.erase(waiting);
}

void GuestTraffic::on_link_lost() {
  if (!filled_) end_view_here();
}

void GuestTraffic::on_own_frame(const wire::FrameHeader& header,
                                std::span<const std::byte> payload) {
  switch (header.type) {
    case wire::FrameType::kFileReply:
      return on_file_reply(payload);
    case wire::FrameType::kStreamCredit: {
      std::uint64_t passed_on = 0;
      if (payload.size() != sizeof passed_on) return untrusted("a malformed credit");
      std::memcpy(&passed_on, payload.data(), sizeof passed_on);
      return streams_->credit(header.stream, passed_on);
    }
    default:
      return untrusted("a frame that only a guest's side sends");
  }
}

void GuestTraffic::on_file_reply(std::span<const std::byte> payload) {
  if (!relay_) return;
  auto written = relay_->write_reply(payload);
  if (!written && written.error().code == ErrorCode::kProtocol)
    return untrusted(written.error().message());
  // A request that was interrupted meanwhile is no longer wanted (ENOENT): the kernel has answered
  // it itself.
  if (!written) log::debug("a file reply was not taken: {}", written.error().message());
}

// Here, where no work of the control loop is waited for.
void GuestTraffic::answer(const protocol::ClockQuestion& question) {
  const auto received = read_clocks();
  protocol::JobMessage message;
  auto& answer = *message.mutable_clock_answer();
  answer.set_number(question.number());
  *answer.mutable_received() = told(received);
  *answer.mutable_answered() = told(read_clocks());
  link_->send(message);
}

void GuestTraffic::on_message(protocol::JobMessage message) {
  if (message.has_clock_question()) return answer(message.clock_question());
  if (message.has_armed()) return on_armed(message.armed());
  if (message.has_stream_closed()) return streams_->break_output(message.stream_closed().stream());
  tell_control(std::move(message));
}

}  // namespace llrun
