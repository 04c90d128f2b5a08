// The line between the supervisor and the world's init: one request, one reply, as both are the
// same program.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace llrun::world {

enum class Operation : std::uint32_t {
  kEnterView = 1,
  kOpenTerminal,  // value: the number in /dev/pts; flag: controlling. Replies with the master
  kSpawnGuest,    // descriptors: the executable, the guest's line
  kSetNextPid,    // value: the id
  kEndParent,
};

struct Request {
  Operation operation{};
  std::int32_t value = 0;
  std::uint32_t flag = 0;
};

// A Result<> as bytes; a descriptor may come with it.
struct Reply {
  std::uint32_t failed = 0;
  ErrorCode code{};
  std::int32_t errno_value = 0;
  std::array<char, 384> attempted{};
};

[[nodiscard]] Reply reply_of(const Result<>& result);
[[nodiscard]] Result<> result_of(const Reply& reply);

// A message of trivial type with up to two descriptors, over a SOCK_SEQPACKET socket.
template <typename Message>
[[nodiscard]] Result<> send_message(int line, const Message& message, std::vector<int> fds = {});
template <typename Message>
[[nodiscard]] Result<std::pair<Message, std::vector<Fd>>> receive_message(int line);

}  // namespace llrun::world

#include "supervisor/world/calls_inline.h"
