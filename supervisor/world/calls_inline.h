#pragma once

#include <cstring>

#include "base/bytes.h"

namespace llrun::world {

template <typename Message>
Result<> send_message(int line, const Message& message, std::vector<int> fds) {
  return send_fds(line, bytes_of(message), fds);
}

template <typename Message>
Result<std::pair<Message, std::vector<Fd>>> receive_message(int line) {
  LLRUN_TRY_ASSIGN(auto received, receive_fds(line, sizeof(Message)));
  if (received.data.size() != sizeof(Message))
    return failure(ErrorCode::kProtocol, "talk to a world: a message of the wrong size");
  Message message;
  std::memcpy(&message, received.data.data(), sizeof message);
  return std::pair(message, std::move(received.fds));
}

}  // namespace llrun::world
