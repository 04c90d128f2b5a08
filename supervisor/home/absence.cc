#include "supervisor/home/absence.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace llrun {
namespace {

// Between tries: doubled from one to the next, and longer where the node has long been away.
constexpr std::chrono::milliseconds kFirstPause{500};
constexpr std::chrono::milliseconds kLongestPause{4000};
constexpr std::chrono::milliseconds kLongestPauseOfAll{30'000};
constexpr int kShareOfLength = 20;

}  // namespace

void Absence::begin(std::string why) {
  if (!std::exchange(lasts_, true)) since_ = Clock::now();
  pause_ = kFirstPause;
  why_ = std::move(why);
}

bool Absence::note(const std::string& why) { return std::exchange(why_, why) != why; }

std::chrono::milliseconds Absence::length() const {
  if (!lasts_) return std::chrono::milliseconds::zero();
  return std::max(std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - since_),
                  std::chrono::milliseconds(1));
}

std::chrono::milliseconds Absence::next_pause() {
  const auto longest = std::clamp(length() / kShareOfLength, kLongestPause, kLongestPauseOfAll);
  return std::exchange(pause_, std::min(2 * pause_, longest));
}

std::string Absence::in_words() const {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(length()).count();
  return fmt::format("has not been reached for {}:{:02} min ({})", seconds / 60, seconds % 60,
                     why_);
}

}  // namespace llrun
