// Batch: many injected calls, in one round trip where a trap ends them, and room for what they
// return.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "tracer/remote/remote_arena.h"
#include "tracer/remote/remote_syscall.h"

namespace llrun::tracer {

class Batch {
 public:
  // `calls` must use a site in a stub page. The arena is the batch's alone while it lives.
  Batch(RemoteSyscalls& calls, RemoteArena arena) : calls_(&calls), arena_(arena) {
    arena_.clear();
  }

  // The call's index, to ask for its result after run().
  template <typename... Args>
  std::size_t add(long number, Args... arguments) {
    static_assert(sizeof...(Args) <= 6);
    queue_.push_back({static_cast<std::uint64_t>(number), {as_argument(arguments)...}, 0});
    return queue_.size() - 1;
  }
  [[nodiscard]] RemoteArena& arena() { return arena_; }
  // Make all calls, in order, whatever each returns.
  [[nodiscard]] Result<> run();
  // The same, and an error that names `step` if any call failed.
  [[nodiscard]] Result<> run_all_must_succeed(const std::string& step);

  [[nodiscard]] std::uint64_t result(std::size_t index) const { return queue_[index].result; }
  [[nodiscard]] int error(std::size_t index) const;  // errno value, 0: none
  [[nodiscard]] bool succeeded(std::size_t index) const { return error(index) == 0; }
  [[nodiscard]] std::size_t size() const { return queue_.size(); }
  template <typename T>
  [[nodiscard]] Result<T> read(RemoteAddr at) const {
    return read_value<T>(calls_->pid(), at);
  }

 private:
  template <typename T>
  static std::uint64_t as_argument(T value) {
    if constexpr (std::same_as<T, RemoteAddr>)
      return value.value;
    else
      return static_cast<std::uint64_t>(value);
  }
  RemoteSyscalls* calls_;
  RemoteArena arena_;
  std::vector<StubCall> queue_;
};

}  // namespace llrun::tracer
