// What the other supervisor of a job says, up to where somebody would act on it. What passes the
// checks must keep the promises that those who act rely on.
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "imagefmt/validate.h"
#include "netproxy/homefs/frame_check.h"
#include "supervisor/guest/call_answers.h"
#include "supervisor/job/home_call_check.h"
#include "supervisor/job/message_check.h"
#include "supervisor/shadow/call_layout.h"
#include "supervisor/streams/guest_streams.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/job/seeds.h"

namespace {

using namespace llrun;
using fuzz::Counter;
using fuzz::Input;
using protocol::JobMessage;

Counter from_guest("messages of a guest");
Counter from_home("messages of home");
Counter refused("messages refused", true);
Counter calls_laid_out("home calls laid out");
Counter images("images");
Counter refused_images("images refused", true);
Counter answers("answers stored");
Counter refused_answers("answers refused");
Counter replies("file replies");
Counter notices("file notices");
Counter refused_replies("file replies refused", true);
Counter credits("credits");

constexpr std::uint64_t kRoomStart = 0x7f00'0000'0000;
constexpr std::uint64_t kRoomSize = 64 << 10;

// Each buffer lies in the room, and no two overlap.
void check_layout(const protocol::HomeCall& call, const CallLayout& layout) {
  std::uint64_t free = kRoomStart;
  LLRUN_CHECK(layout.buffers.size() == static_cast<std::size_t>(call.buffers_size()), "buffers");
  for (int i = 0; i < call.buffers_size(); ++i) {
    const auto at = layout.buffers[static_cast<std::size_t>(i)].value;
    LLRUN_CHECK(at >= free, "a buffer that overlaps");
    free = at + call.buffers(i).size();
    LLRUN_CHECK(free <= kRoomStart + kRoomSize, "a buffer outside its room");
    LLRUN_CHECK(call.buffers(i).input().size() <= call.buffers(i).size(), "an input that fits");
    LLRUN_CHECK(layout.arguments[call.buffers(i).argument()] == at, "an argument");
  }
}

void lay_out(const protocol::HomeCall& call) {
  const auto room = tracer::RemoteRange::of({kRoomStart}, kRoomSize);
  const auto layout = lay_out_call(call, *room);
  if (!layout) return;
  check_layout(call, *layout);
  ++calls_laid_out;
}

void check_ranges(const protocol::PagesEnd& end) {
  for (const auto& range : end.ranges())
    LLRUN_CHECK(range.start() + range.pages() * 4096 <= std::uint64_t{1} << 47, "a range of pages");
}

void read_image(const image::Process& image) {
  if (!validate(image)) return void(++refused_images);
  ++images;
  for (const auto& descriptor : image.descriptors())
    fuzz::touch(image.descriptions(static_cast<int>(descriptor.description())).path());
}

void read_from_guest(std::string_view bytes) {
  JobMessage message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
  if (!check_from_guest(message)) return void(++refused);
  ++from_guest;
  if (message.has_home_call()) lay_out(message.home_call());
  if (message.has_home_image()) read_image(message.home_image().image());
  if (message.has_pages_end()) check_ranges(message.pages_end());
}

// A read into one buffer, a readv into three, a poll, a call with two buffers.
HomeCallPlan plan_of(std::uint8_t which) {
  HomeCallPlan plan;
  const auto piece = [](std::uint64_t at, std::size_t size) {
    return iovec{reinterpret_cast<void*>(at), size};
  };
  switch (which % 4) {
    case 0:
      plan.outputs = {piece(0x1000, 64)};
      break;
    case 1:
      plan.form = AnswerForm::kScattered;
      plan.outputs = {piece(0x1000, 3), piece(0x2000, 0), piece(0x3000, 100)};
      break;
    case 2:
      plan.form = AnswerForm::kPollEntries;
      plan.outputs = {piece(0x1000, 64)};
      break;
    default:
      plan.outputs = {piece(0x1000, 16), piece(0x2000, 128)};
  }
  return plan;
}

void store(const HomeCallPlan& plan, const protocol::HomeCallDone& done) {
  const auto outputs = outputs_of(plan, done);
  if (!outputs) return void(++refused_answers);
  for (const auto& [at, bytes, optional] : *outputs) {
    fuzz::touch(bytes);
    const bool fits = std::ranges::any_of(plan.outputs, [&](const iovec& place) {
      const auto start = reinterpret_cast<std::uint64_t>(place.iov_base);
      return start <= at.value && at.value + bytes.size() <= start + place.iov_len;
    });
    LLRUN_CHECK(fits, "an answer where the call wanted none");
  }
  ++answers;
}

void read_from_home(std::uint8_t plan, std::string_view bytes) {
  JobMessage message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
  if (!check_from_home(message)) return void(++refused);
  ++from_home;
  if (message.has_home_call_done()) store(plan_of(plan), message.home_call_done());
  if (message.has_image()) read_image(message.image());
  if (message.has_pages_end()) check_ranges(message.pages_end());
}

void read_file_reply(std::string_view bytes) {
  const auto frame = std::as_bytes(std::span(bytes));
  switch (homefs::kind_of_reply(frame)) {
    case homefs::ReplyKind::kMalformed:
      return void(++refused_replies);
    case homefs::ReplyKind::kReply:
      ++replies;
      break;
    default:
      ++notices;
  }
  LLRUN_CHECK(frame.size() >= 16, "a reply without a header");
}

// Two pipes of a guest: it writes, home credits and breaks what it likes.
void follow_streams(Input& input) {
  auto loop = EventLoop::create();
  std::uint64_t sent = 0;
  GuestStreams streams(**loop,
                       {[&](std::uint32_t, const std::string& bytes) { sent += bytes.size(); },
                        [](std::uint32_t) {}});
  const auto out = streams.add_output_pipe(1);
  const auto in = streams.add_input_pipe(2);
  LLRUN_CHECK(out && in && streams.start(), "streams");
  std::uint64_t written = 0;
  while (!input.empty()) {
    const std::uint8_t step = input.byte();
    if (step % 4 == 0) {
      const std::string bytes(input.byte(), 'x');
      if (::write(out->get(), bytes.data(), bytes.size()) > 0) written += bytes.size();
      streams.drain();
    } else if (step % 4 == 1) {
      const auto stream = input.byte();
      streams.credit(stream, input.value<std::uint64_t>());
      ++credits;
    } else if (step % 4 == 2) {
      streams.break_output(input.byte());
    } else {
      (*loop)->post([&] { (*loop)->stop(); });
      (*loop)->run();
    }
  }
  LLRUN_CHECK(sent <= written, "no byte is sent twice");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  [[maybe_unused]] static const auto no_sigpipe = ::signal(SIGPIPE, SIG_IGN);
  Input input(data, size);
  switch (input.byte() % fuzz::kJobInputs) {
    case fuzz::kFromGuest:
      read_from_guest(input.rest());
      break;
    case fuzz::kFromHome: {
      const auto plan = input.byte();
      read_from_home(plan, input.rest());
      break;
    }
    case fuzz::kFileReply:
      read_file_reply(input.rest());
      break;
    default:
      follow_streams(input);
  }
  return 0;
}
