#include "supervisor/guest/call_answers.h"

#include <poll.h>

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "base/bytes.h"
#include "supervisor/guest/guest_memory.h"

namespace llrun {
namespace {

std::uint64_t address_of(const iovec& place) {
  return reinterpret_cast<std::uint64_t>(place.iov_base);
}

// One output of home, spread over the pieces of a readv.
std::vector<Stored> scattered(const HomeCallPlan& plan, const protocol::HomeCallDone& done) {
  std::vector<Stored> stored;
  auto rest = done.outputs_size() > 0 ? bytes_of(std::string_view(done.outputs(0).bytes()))
                                      : std::span<const std::byte>{};
  for (const iovec& piece : plan.outputs) {
    const auto part = rest.first(std::min(rest.size(), piece.iov_len));
    stored.push_back({{address_of(piece)}, part});
    rest = rest.subspan(part.size());
  }
  return stored;
}

// What is asked about may be changed by another thread meanwhile, which is its own business.
std::vector<Stored> revents_of(const Stored& entries) {
  std::vector<Stored> stored;
  for (std::size_t at = 0; at + sizeof(pollfd) <= entries.bytes.size(); at += sizeof(pollfd)) {
    const std::size_t place = at + offsetof(pollfd, revents);
    stored.push_back({entries.at + place, entries.bytes.subspan(place, sizeof(pollfd::revents))});
  }
  return stored;
}

}  // namespace

Result<std::vector<Stored>> outputs_of(const HomeCallPlan& plan,
                                       const protocol::HomeCallDone& done) {
  if (plan.form == AnswerForm::kScattered) return scattered(plan, done);
  std::vector<Stored> stored;
  for (const auto& output : done.outputs()) {
    if (output.buffer() >= plan.outputs.size() ||
        output.bytes().size() > plan.outputs[output.buffer()].iov_len)
      return failure(ErrorCode::kProtocol, "home answered a call with more than was asked for");
    const Stored whole{{address_of(plan.outputs[output.buffer()])},
                       bytes_of(std::string_view(output.bytes())),
                       plan.optional_output == static_cast<int>(output.buffer())};
    if (plan.form != AnswerForm::kPollEntries) {
      stored.push_back(whole);
      continue;
    }
    const auto parts = revents_of(whole);
    stored.insert(stored.end(), parts.begin(), parts.end());
  }
  return stored;
}

Result<> store_outputs(HostPid guest, const HomeCallPlan& plan,
                       const protocol::HomeCallDone& done) {
  LLRUN_TRY_ASSIGN(const auto outputs, outputs_of(plan, done));
  for (const auto& [at, bytes, optional] : outputs) {
    const auto written = write_as_guest(guest, at, bytes);
    if (!written && !optional) return written;
  }
  return {};
}

void go_on_from(const protocol::HomeCallDone& done, protocol::HomeCall& call) {
  for (const auto& output : done.outputs()) {
    if (output.buffer() >= static_cast<std::uint32_t>(call.buffers_size())) continue;
    auto& buffer = *call.mutable_buffers(static_cast<int>(output.buffer()));
    if (buffer.written_always() && output.bytes().size() == buffer.input().size())
      buffer.set_input(output.bytes());
  }
}

}  // namespace llrun
