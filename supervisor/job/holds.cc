#include "supervisor/job/holds.h"

#include <fmt/format.h>
#include <unistd.h>

#include <utility>

#include "base/log.h"
#include "supervisor/config/paths.h"

namespace llrun {
namespace {
constexpr std::chrono::milliseconds kLook{10};

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }
}  // namespace

Holds::Holds(EventLoop& loop, std::string directory, std::string role)
    : loop_(loop),
      prefix_(fmt::format("{}/{}-", directory, role)),
      active_(!directory.empty() && exists(directory)) {}

Holds::~Holds() { loop_.cancel(timer_); }

bool Holds::is_held(std::string_view point) const {
  return active_ && exists(prefix_ + std::string(point));
}

void Holds::pass(std::string_view point, Task rest) {
  if (!is_held(point)) return rest();
  log::info("held at {}", point);
  states_.push_back({std::string(point), std::move(rest)});
  watch();
}

bool Holds::holds_back(std::string_view point) const {
  return active_ && (!messages_.empty() || is_held(point));
}

void Holds::keep(std::string_view point, Task handle) {
  if (is_held(point)) log::info("held at {}", point);
  messages_.push_back({std::string(point), std::move(handle)});
  watch();
}

void Holds::watch() {
  if (timer_ == 0) timer_ = loop_.every(kLook, [this] { look_again(); });
}

void Holds::look_again() {
  if (states_.empty() && messages_.empty()) return loop_.cancel(std::exchange(timer_, 0));
  // What is let go may end whoever owns this.
  const std::weak_ptr alive = alive_;
  while (let_one_go() && !alive.expired()) {
  }
}

bool Holds::let_one_go() {
  for (auto held = states_.begin(); held != states_.end(); ++held) {
    if (is_held(held->point)) continue;
    const Task rest = std::move(held->rest);
    states_.erase(held);
    rest();
    return true;
  }
  if (messages_.empty() || is_held(messages_.front().point)) return false;
  const Task handle = std::move(messages_.front().rest);
  messages_.pop_front();
  handle();
  return true;
}

std::string hold_directory() {
  const auto state = config::state_directory();
  return state ? *state + "/hold" : "";
}

std::string name_of(const protocol::JobMessage& message) {
  if (message.has_image()) return "Image";  // its type is image.Process
  const auto* field =
      protocol::JobMessage::descriptor()->FindFieldByNumber(static_cast<int>(message.body_case()));
  return field == nullptr ? "" : std::string(field->message_type()->name());
}

}  // namespace llrun
