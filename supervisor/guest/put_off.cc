#include "supervisor/guest/put_off.h"

#include <algorithm>
#include <utility>

namespace llrun {
namespace {
constexpr std::chrono::milliseconds kFirstPause{500};
constexpr std::chrono::milliseconds kLongestPause{32'000};
constexpr std::chrono::seconds kLeastPause{4};  // for those who ask
}  // namespace

std::chrono::milliseconds PutOff::pause() const {
  return std::min(kFirstPause * (1U << std::min(std::max(times_, 1U) - 1, 10U)), kLongestPause);
}

void PutOff::put_off(std::string why) {
  why_ = std::move(why);
  ++times_;
  last_ = EventLoop::Clock::now();
  loop_.cancel(timer_);
  timer_ = loop_.after(pause(), [this] {
    timer_ = 0;
    try_again_();
  });
}

void PutOff::skip_pause() {
  if (EventLoop::Clock::now() - last_ >= kLeastPause) loop_.cancel(std::exchange(timer_, 0));
}

void PutOff::forget() {
  loop_.cancel(std::exchange(timer_, 0));
  why_.clear();
  times_ = 0;
}

}  // namespace llrun
