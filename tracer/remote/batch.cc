#include "tracer/remote/batch.h"

#include <algorithm>
#include <cerrno>

namespace llrun::tracer {

Result<> Batch::run() {
  const std::size_t at_once = arena_.room() / sizeof(StubCall);
  if (at_once == 0) return failure(ErrorCode::kUnsupported, "no room for a batch of calls");
  LLRUN_TRY_ASSIGN(const auto scratch, RemoteArena(arena_).reserve(at_once * sizeof(StubCall)));
  std::span rest(queue_);
  while (!rest.empty()) {
    const auto piece = rest.first(std::min(rest.size(), at_once));
    LLRUN_TRY(calls_->call_all(piece, scratch));
    rest = rest.subspan(piece.size());
  }
  return {};
}

Result<> Batch::run_all_must_succeed(const std::string& step) {
  LLRUN_TRY(run());
  for (std::size_t i = 0; i < queue_.size(); ++i)
    if (!succeeded(i))
      return system_error(step + ": system call " + std::to_string(queue_[i].number), error(i));
  return {};
}

int Batch::error(std::size_t index) const {
  const auto value = static_cast<std::int64_t>(queue_[index].result);
  return value < 0 && value >= -4095 ? static_cast<int>(-value) : 0;
}

}  // namespace llrun::tracer
