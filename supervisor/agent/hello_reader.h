// HelloReader: exactly one frame from a descriptor, without waiting for it and never a byte more.
//
// What follows the Hello belongs to whoever gets the descriptor after us.
#pragma once

#include <functional>
#include <vector>

#include "base/event_loop.h"
#include "base/result.h"
#include "supervisor/protocol/hello.pb.h"

namespace llrun::agent {

struct ReceivedHello {
  protocol::Hello hello;
  std::string bytes;  // as they came
};

class HelloReader {
 public:
  using Done = std::function<void(Result<ReceivedHello>)>;

  // A hello is a few KiB of CPU flags; whoever sends more does not speak our protocol.
  static constexpr std::size_t kMaxHello = 64U << 10;

  // `fd` is not owned. `done` is called once, from the loop; it may destroy the reader.
  HelloReader(EventLoop& loop, int fd, EventLoop::Clock::duration limit, Done done);
  ~HelloReader();
  HelloReader(const HelloReader&) = delete;
  HelloReader& operator=(const HelloReader&) = delete;

 private:
  void on_readable();
  Result<bool> advance();  // true: complete
  void finish(Result<ReceivedHello> result);
  [[nodiscard]] Result<ReceivedHello> parse() const;

  EventLoop& loop_;
  int fd_;
  EventLoop::TimerId timer_ = 0;
  Done done_;
  std::vector<std::byte> bytes_;
  std::size_t wanted_;
};

}  // namespace llrun::agent
