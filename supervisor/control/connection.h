// Connection: one end of a control socket. Messages in, messages out, descriptors beside them.
//
// A Unix SOCK_SEQPACKET, so a message is a packet and comes whole or not at all. Never blocks: what
// the other end does not take waits in a bounded queue; when that is full the other end is taken
// for hung and the connection closes.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "base/fd.h"
#include "base/result.h"
#include "supervisor/protocol/control.pb.h"

namespace llrun::control {

// The kernel takes a packet only if it fits the send buffer (net.core.wmem_default, 208 KiB) with
// its overhead.
inline constexpr std::size_t kMaxMessage = 128U << 10;
inline constexpr std::size_t kMaxQueued = 4096;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using OnMessage = std::function<void(protocol::ControlMessage, std::vector<Fd>)>;
  using OnClosed = std::function<void(const std::string& why)>;

  [[nodiscard]] static Result<std::shared_ptr<Connection>> create(EventLoop& loop, Fd socket);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // `on_closed` is called once, when the other end has gone or misbehaved; not after close().
  void listen(OnMessage on_message, OnClosed on_closed);
  // Queued if the other end is slow; `fds` are duplicated for that. An answer too long for a packet
  // goes as rows of lines before it.
  void send(const protocol::ControlMessage& message, std::span<const int> fds = {});
  // Writes out what is queued, waiting for the other end at most `limit`; for the last words of a
  // process.
  void flush(EventLoop::Clock::duration limit);
  void close();
  [[nodiscard]] bool open() const { return socket_.valid(); }

 private:
  struct Outgoing {
    std::string bytes;
    std::vector<Fd> fds;
  };
  Connection(EventLoop& loop, Fd socket) : loop_(loop), socket_(std::move(socket)) {}
  void on_ready(std::uint32_t events);
  bool receive_one();
  void enqueue(std::string bytes, std::span<const int> fds);
  bool send_queued();
  void fail(const std::string& why);

  EventLoop& loop_;
  Fd socket_;
  std::deque<Outgoing> queue_;
  OnMessage on_message_;
  OnClosed on_closed_;
  bool closed_by_owner_ = false;
};

}  // namespace llrun::control
