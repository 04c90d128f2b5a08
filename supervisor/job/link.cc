#include "supervisor/job/link.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/log.h"

namespace llrun {
namespace {

constexpr std::uint32_t kPagesStream = 0xFFFF'FFFF;
constexpr std::chrono::milliseconds kLookForSilence{500};
// Acknowledge at the latest after this many bytes, so that the other side keeps little.
constexpr std::uint64_t kAcknowledgeAfter = 1 << 20;

std::string encode_number(std::uint64_t number) { return std::string(text_of(bytes_of(number))); }

Result<std::uint64_t> decode_number(std::span<const std::byte> payload) {
  std::uint64_t number = 0;
  if (payload.size() != sizeof number)
    return failure(ErrorCode::kProtocol, "a count of the wrong size arrived");
  std::memcpy(&number, payload.data(), sizeof number);
  return number;
}

constexpr std::size_t kPartBytes = 512 << 10;
static_assert(kPartBytes + 64 < wire::kMaxPayload);

bool numbered(wire::FrameType type) {
  return type != wire::FrameType::kKeepAlive && type != wire::FrameType::kPages;
}

}  // namespace

Link::Link(EventLoop& loop, Callbacks callbacks) : loop_(loop), callbacks_(std::move(callbacks)) {
  note_heard();
  timer_ = loop_.every(kKeepAlivePeriod, [this] { send_keep_alive(); });
  silence_timer_ = loop_.every(kLookForSilence, [this] { watch_silence(); });
}

Link::~Link() {
  loop_.cancel(timer_);
  loop_.cancel(silence_timer_);
  drop_channel();
}

Result<> Link::connect(Fd in, Fd out) {
  drop_channel();
  LLRUN_TRY_ASSIGN(
      auto channel,
      Channel::open(loop_, std::move(in), std::move(out),
                    {[this](const wire::FrameHeader& header, std::span<const std::byte> payload) {
                       receive(header, payload);
                     },
                     [this](const Error& error) { lost(error); }}));
  {
    const std::lock_guard lock(mutex_);
    channel_ = std::move(channel);
    open_ = false;
    pages_sent_ = pages_landed_ = own_landed_ = pages_received_ = 0;
  }
  connected_ = true;
  note_heard();
  send_keep_alive();
  return {};
}

void Link::disconnect() { drop_channel(); }

void Link::drop_channel() {
  std::shared_ptr<Channel> channel;
  {
    const std::lock_guard lock(mutex_);
    channel = std::exchange(channel_, nullptr);
    open_ = false;
    if (channel) bytes_before_ += channel->bytes_sent();
  }
  connected_ = false;
  pages_moved_.notify_all();
  if (channel) channel->close();  // a sender of pages may be holding it, and wait for it
}

// Here and not in the control loop, which may be waiting for this very link to take pages.
void Link::watch_silence() {
  if (const auto slept = sleeps_.look(); slept > slept.zero()) {
    log::info("this node has slept for {:.1f} s", std::chrono::duration<double>(slept).count());
    send_keep_alive();  // the other side has heard nothing for as long
  }
  const auto patience = patience_.load();
  if (!connected_ || patience == patience.zero() ||
      EventLoop::Clock::now() - last_heard_.load() <= patience)
    return;
  lost(Error{ErrorCode::kTimeout, 0, "nothing was heard for the length of the lease"});
}

std::chrono::nanoseconds Link::silence(Sleep own) const {
  if (own == Sleep::kCounts) return BootClock::now() - heard_at_boot_.load();
  return EventLoop::Clock::now() - last_heard_.load();
}

void Link::note_heard() {
  last_heard_ = EventLoop::Clock::now();
  heard_at_boot_ = BootClock::now();
}

void Link::lost(const Error& error) {
  drop_channel();
  callbacks_.on_lost(error);
}

void Link::keep(Kept frame) {
  kept_bytes_ += frame.cost();
  kept_.push_back(std::move(frame));
}

void Link::keep_and_send(Kept frame) {
  if (channel_ && open_) channel_->send(frame.type, frame.epoch, frame.stream, frame.payload);
  keep(std::move(frame));
}

void Link::send(wire::FrameType type, std::uint32_t stream, std::string payload) {
  const std::lock_guard lock(mutex_);
  keep_and_send({type, epoch_, stream, std::move(payload)});
}

void Link::send(const protocol::JobMessage& message) {
  std::string whole = message.SerializeAsString();
  if (whole.size() <= wire::kMaxPayload) return send(wire::FrameType::kJob, 0, std::move(whole));
  const std::lock_guard lock(mutex_);  // nothing may come between two parts
  for (std::size_t done = 0; done < whole.size(); done += kPartBytes) {
    protocol::JobMessage carrier;
    carrier.mutable_part()->set_piece(whole.substr(done, kPartBytes));
    carrier.mutable_part()->set_last(done + kPartBytes >= whole.size());
    keep_and_send({wire::FrameType::kJob, epoch_, 0, carrier.SerializeAsString()});
  }
}

Result<> Link::send_pages(std::uint64_t address, std::span<const std::byte> bytes) {
  constexpr std::size_t kPiece = wire::kMaxPagesPerFrame * wire::kPageSize;
  while (!bytes.empty()) {
    const auto piece = bytes.first(std::min(bytes.size(), kPiece));
    const wire::PagesHeader header{address,
                                   static_cast<std::uint32_t>(piece.size() / wire::kPageSize), 0};
    std::vector<std::byte> payload(sizeof header + piece.size());
    std::memcpy(payload.data(), &header, sizeof header);
    std::memcpy(payload.data() + sizeof header, piece.data(), piece.size());
    std::shared_ptr<Channel> channel;
    {
      std::unique_lock lock(mutex_);
      pages_moved_.wait(lock, [this] {
        return !channel_ || (open_ && pages_sent_ - pages_landed_ < kPagesWindow);
      });
      if (!channel_) return failure(ErrorCode::kGone, "send pages: the link is lost");
      channel = channel_;
      if (pages_sent_ == pages_landed_) on_their_way_since_ = EventLoop::Clock::now();
      pages_sent_ += piece.size();
    }
    auto sent = channel->send_bulk(wire::FrameType::kPages, epoch_, 0, std::move(payload));
    loop_.post([kept = std::move(channel)] {});  // a channel ends on its loop's thread
    LLRUN_TRY(std::move(sent));
    bytes = bytes.subspan(piece.size());
    address += piece.size();
  }
  return {};
}

void Link::landed(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  own_landed_ += bytes;
  if (!channel_ || !open_) return;
  std::string payload = encode_number(own_landed_);
  channel_->send(wire::FrameType::kStreamCredit, epoch_, kPagesStream, payload);
  keep({wire::FrameType::kStreamCredit, epoch_, kPagesStream, std::move(payload)});
}

void Link::flush(std::chrono::milliseconds timeout) {
  std::shared_ptr<Channel> channel;
  {
    const std::lock_guard lock(mutex_);
    channel = channel_;
  }
  if (!channel) return;
  if (auto flushed = channel->flush(timeout); !flushed)
    log::warn("the last words may not have arrived: {}", flushed.error().message());
  loop_.post([kept = std::move(channel)] {});
}

void Link::receive(const wire::FrameHeader& header, std::span<const std::byte> payload) {
  note_heard();
  if (header.type == wire::FrameType::kKeepAlive) return on_keep_alive(payload);
  if (numbered(header.type)) {
    ++received_;
    received_unsaid_ += payload.size();
    if (received_unsaid_ > kAcknowledgeAfter) send_keep_alive();
  }
  if (header.epoch != epoch_) {
    log::info("dropped a frame of epoch {}, this is {}", header.epoch, epoch_.load());
    return;
  }
  if (header.type == wire::FrameType::kPages && !has_room_for(payload.size()))
    return lost(
        Error{ErrorCode::kProtocol, 0, "the other side sends more pages than may be on their way"});
  if (header.type == wire::FrameType::kStreamCredit && header.stream == kPagesStream) {
    const auto total = decode_number(payload);
    const std::lock_guard lock(mutex_);
    if (total && *total <= pages_sent_ && *total > pages_landed_) {
      travelled_.bytes += *total - std::exchange(pages_landed_, *total);
      if (pages_landed_ == pages_sent_)
        travelled_.time += EventLoop::Clock::now() - on_their_way_since_;
    }
    pages_moved_.notify_all();
    return;
  }
  callbacks_.on_frame(header, payload);
}

// It counts what has landed as we have told; a frame more is on its way when the window is full.
bool Link::has_room_for(std::uint64_t payload) {
  const std::lock_guard lock(mutex_);
  pages_received_ += payload - std::min<std::uint64_t>(payload, sizeof(wire::PagesHeader));
  return pages_received_ <= own_landed_ + kPagesWindow + wire::kMaxPayload;
}

void Link::on_keep_alive(std::span<const std::byte> payload) {
  const auto received = decode_number(payload);
  bool refused = !received;
  {
    const std::lock_guard lock(mutex_);
    refused = refused || *received < first_kept_ || *received > first_kept_ + kept_.size();
    if (!refused) {
      forget_up_to(*received);
      if (!open_) resend();
    }
  }
  pages_moved_.notify_all();
  if (refused)
    return lost(Error{ErrorCode::kProtocol, 0, "the other side has lost count of frames"});
  if (callbacks_.on_acknowledged) callbacks_.on_acknowledged();
}

void Link::forget_up_to(std::uint64_t received) {
  while (first_kept_ < received) {
    kept_bytes_ -= kept_.front().cost();
    kept_.pop_front();
    ++first_kept_;
  }
}

void Link::resend() {
  open_ = true;
  for (const Kept& frame : kept_)
    channel_->send(frame.type, frame.epoch, frame.stream, frame.payload);
}

void Link::send_keep_alive() {
  const std::lock_guard lock(mutex_);
  received_unsaid_ = 0;
  if (channel_) channel_->send(wire::FrameType::kKeepAlive, epoch_, 0, encode_number(received_));
}

Link::Travelled Link::pages_travelled() const {
  const std::lock_guard lock(mutex_);
  return travelled_;
}

std::uint64_t Link::bytes_sent() const {
  const std::lock_guard lock(mutex_);
  return bytes_before_ + (channel_ ? channel_->bytes_sent() : 0);
}

}  // namespace llrun
