#include "supervisor/home/traffic.h"

#include <utility>

#include "base/bytes.h"
#include "base/log.h"
#include "netproxy/homefs/frame_check.h"
#include "supervisor/home/path_walk.h"

namespace llrun {
namespace {

// Of all streams together, of which there are at most 64. A guest is 256 KiB ahead of what has been
// passed on; when it leaves or ends it hands over what is in its pipes besides, whose size is its
// own choice, up to fs.pipe-max-size (1 MiB).
constexpr std::uint64_t kMostAhead = 128 << 20;

homefs::KeptBack::Use use_of(const protocol::Classify& question) {
  using Use = homefs::KeptBack::Use;
  switch (question.use()) {
    case protocol::Classify::USE_WRITE:
      return Use::kWrite;
    case protocol::Classify::USE_CHANGE:
      return Use::kChange;
    case protocol::Classify::USE_MOVE:
      return Use::kMove;
    default:
      return Use::kRead;
  }
}

}  // namespace

Result<std::unique_ptr<HomeTraffic>> HomeTraffic::create(EventLoop& control, std::uint32_t epoch,
                                                         ViewTerms terms, Callbacks callbacks) {
  std::unique_ptr<HomeTraffic> traffic(
      new HomeTraffic(control, std::move(terms), std::move(callbacks)));
  LLRUN_TRY(traffic->start(epoch));
  return traffic;
}

// Which owners may be shown depends on the ids that the world has (homefs::Owners). The server must
// stand before the world's first request, which follows on the same link.
void HomeTraffic::start_files(const protocol::WorldReady& world) {
  if (files_) return untrusted("a second world");
  homefs::HomeFileServer::Options options;
  options.owners = world.all_users_mapped() && world.all_groups_mapped()
                       ? homefs::Owners::kTrue
                       : homefs::Owners::kSingleId;
  options.token = link_->epoch();
  options.kept_back = terms_.kept_back;
  options.uses = terms_.uses;
  auto files = homefs::HomeFileServer::start(
      options, {[this](homefs::Frame frame) {
                  link_->send(wire::FrameType::kFileReply, 0, std::string(text_of(frame)));
                },
                [](homefs::DescriptionId) {}, [this] { return !link_->full(); }});
  if (!files) return untrusted("a world whose files cannot be served: " + files.error().message());
  files_ = std::move(*files);
}

// The link last: writers and the file server's threads speak to it until they have ended.
HomeTraffic::~HomeTraffic() {
  if (!io_ || !link_) return;
  io_->ask([this] {
    link_->disconnect();
    writers_.clear();
    survey_.reset();
  });
  files_.reset();
  io_->ask([this] { link_.reset(); });
}

void HomeTraffic::survey_clocks(ClockSurvey::Done done) {
  io_->loop().post([this, done = std::move(done)] {
    survey_ = std::make_unique<ClockSurvey>(
        [this](const protocol::JobMessage& question) { link_->send(question); },
        [this, done](const ClockEstimate& clocks) {
          tell_control([done, clocks] { done(clocks); });
        });
    survey_->begin();
  });
}

Result<> HomeTraffic::add_stream(std::uint32_t stream, Fd description) {
  LLRUN_TRY_ASSIGN(auto writer,
                   StreamWriter::start(std::move(description),
                                       StreamWriter::Callbacks{
                                           [this, stream](std::uint64_t total) {
                                             link_->send(wire::FrameType::kStreamCredit, stream,
                                                         std::string(text_of(bytes_of(total))));
                                           },
                                           [this, stream] {
                                             protocol::JobMessage message;
                                             message.mutable_stream_closed()->set_stream(stream);
                                             message.mutable_stream_closed()->set_reader_gone(true);
                                             link_->send(message);
                                           }}));
  io_->ask([&] { writers_[stream] = std::move(writer); });
  return {};
}

void HomeTraffic::remove_stream(std::uint32_t stream) {
  io_->ask([&] { writers_.erase(stream); });
}

void HomeTraffic::when_drained(std::function<void()> done) {
  io_->loop().post([this, done = std::move(done)] {
    auto waiting = std::make_shared<std::atomic<std::size_t>>(writers_.size() + 1);
    auto one_less = [this, waiting, done] {
      if (--*waiting == 0) tell_control(done);
    };
    for (auto& [stream, writer] : writers_) writer->when_drained(one_less);
    one_less();
  });
}

void HomeTraffic::release_effects() {
  io_->loop().post([this] {
    holding_ = false;
    for (auto& [stream, writer] : writers_) writer->watch_reader();
    for (auto held = std::exchange(held_, {}); const LaterFrame& frame : held) {
      held_bytes_.give_back(frame.cost());
      JobTraffic::on_frame(frame.header, frame.payload);
    }
  });
}

void HomeTraffic::drop_effects() {
  io_->ask([this] {
    for (const LaterFrame& frame : held_) held_bytes_.give_back(frame.cost());
    held_.clear();
  });
}

void HomeTraffic::on_frame(const wire::FrameHeader& header, std::span<const std::byte> payload) {
  const bool only_reads =
      header.type == wire::FrameType::kFileRequest && homefs::only_reads(payload);
  if (!holding_ || only_reads) return JobTraffic::on_frame(header, payload);
  protocol::JobMessage message;
  const bool decides =
      header.type == wire::FrameType::kJob &&
      message.ParseFromArray(payload.data(), static_cast<int>(payload.size())) &&
      (message.has_confirmed() || message.has_confirmed_heard() || message.has_abort());
  if (decides) return on_message(std::move(message));
  LaterFrame frame{header, {payload.begin(), payload.end()}};
  if (!held_bytes_.take(frame.cost()))
    return untrusted("more than a program can do before it is known to run");
  held_.push_back(std::move(frame));
}

void HomeTraffic::on_acknowledged() {
  if (files_) files_->look_for_room();
}

void HomeTraffic::on_own_frame(const wire::FrameHeader& header,
                               std::span<const std::byte> payload) {
  switch (header.type) {
    case wire::FrameType::kFileRequest: {
      if (!files_) return untrusted("a file request before its world");
      auto accepted = files_->submit(homefs::Frame(payload.begin(), payload.end()));
      if (!accepted) untrusted(accepted.error().message());
      return;
    }
    case wire::FrameType::kStreamData: {
      const auto writer = writers_.find(header.stream);
      if (writer == writers_.end()) return;
      if (queued_output() + payload.size() > kMostAhead)
        return untrusted("more output than it has credit for");
      return writer->second->push(std::string(text_of(payload)));
    }
    default:
      return untrusted("a frame that only home sends");
  }
}

std::uint64_t HomeTraffic::queued_output() const {
  std::uint64_t bytes = 0;
  for (const auto& [stream, writer] : writers_) bytes += writer->queued_bytes();
  return bytes;
}

void HomeTraffic::on_message(protocol::JobMessage message) {
  if (message.has_world_ready()) start_files(message.world_ready());
  if (message.has_running()) holding_ = true;
  if (message.has_clock_answer()) {
    if (survey_) survey_->on_answer(message.clock_answer());
    return;
  }
  if (message.has_classify()) return handle_classify(message.classify());
  if (message.has_arm_description()) return handle_arm(message.arm_description());
  tell_control(std::move(message));
}

// By a thread of the file server: the path may lead to a filesystem that does not answer, and only
// the guest's thread that asked may wait for it. It is looked at with the user's own rights;
// whether the guest's open succeeds is decided when the guest's kernel makes it, through the file
// view.
void HomeTraffic::handle_classify(const protocol::Classify& question) {
  if (!files_) return untrusted("a question about its files before its world");
  files_->look([this, question]() -> std::function<void()> {
    const PathEnd end = walk_path(question.base(), question.path(), question.follow());
    const auto at_home = why_at_home(*terms_.kept_back, end, use_of(question));
    return [this, id = question.id(), end, at_home] {
      protocol::JobMessage answer;
      auto& classified = *answer.mutable_classified();
      classified.set_id(id);
      classified.set_mode(end.mode);
      classified.set_errno_value(end.errno_value);
      classified.set_path(end.in_world);
      classified.set_kept_back(at_home);
      link_->send(answer);
    };
  });
}

void HomeTraffic::handle_arm(const protocol::ArmDescription& wish) {
  if (!files_) return untrusted("a description of its files before its world");
  files_->arm(wish.home_id(), wish.path(), [this, id = wish.home_id()](const auto& path) {
    protocol::JobMessage answer;
    auto& armed = *answer.mutable_armed();
    armed.set_home_id(id);
    if (path)
      armed.set_path(*path);
    else
      armed.set_error(path.error().message());
    link_->send(answer);
  });
}

}  // namespace llrun
