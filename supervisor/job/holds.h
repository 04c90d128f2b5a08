// Holds: where a test stops a job between two steps of the protocol, so that a fault can be put
// into just that step.
//
// A point is a state that has just been entered or a message that has just come, by the names of
// docs/protocol.md. A file DIRECTORY/ROLE-POINT ("home-Transferring", "guest-Commit") holds what
// would follow until the file is gone. Only what would follow waits: timers, the link and its loss
// are looked after as ever, so a held job fails as one that is slow in that step would. Without the
// directory, which nothing in the product makes, no point costs more than a look at a flag. For the
// thread of the event loop.
#pragma once

#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "base/event_loop.h"
#include "supervisor/protocol/job.pb.h"

namespace llrun {

class Holds {
 public:
  using Task = std::function<void()>;
  // Whether `directory` exists is asked here, once.
  Holds(EventLoop& loop, std::string directory, std::string role);
  ~Holds();  // what is held is dropped
  Holds(const Holds&) = delete;
  Holds& operator=(const Holds&) = delete;

  // Run `rest` now, or when `point` is no longer held.
  void pass(std::string_view point, Task rest);
  // Messages keep their order: what comes after a held one waits with it.
  [[nodiscard]] bool holds_back(std::string_view point) const;
  void keep(std::string_view point, Task handle);

 private:
  struct Held {
    std::string point;
    Task rest;
  };
  [[nodiscard]] bool is_held(std::string_view point) const;
  bool let_one_go();
  void look_again();
  void watch();

  EventLoop& loop_;
  std::string prefix_;  // DIRECTORY/ROLE-
  bool active_;
  EventLoop::TimerId timer_ = 0;
  std::list<Held> states_;
  std::deque<Held> messages_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();
};

// Frames of pages are held like messages.
inline constexpr std::string_view kPagesPoint = "Pages";
// DIRECTORY for this user on this machine: "hold" in the state directory.
[[nodiscard]] std::string hold_directory();
// "Commit", "HomeImage": the name of its type, and "Image".
[[nodiscard]] std::string name_of(const protocol::JobMessage& message);

}  // namespace llrun
