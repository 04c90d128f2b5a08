#include "supervisor/control/connection.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "base/bytes.h"

namespace llrun::control {
namespace {

bool would_block(const Error& error) {
  return error.errno_value == EAGAIN || error.errno_value == EWOULDBLOCK;
}

// What a long answer is cut into, at line ends where there are any.
std::vector<std::string> pieces(std::string_view text) {
  constexpr std::size_t kPiece = kMaxMessage / 2;
  std::vector<std::string> result;
  if (text.ends_with('\n')) text.remove_suffix(1);
  while (text.size() > kPiece) {
    const auto line_end = text.rfind('\n', kPiece);
    const auto end = line_end == std::string_view::npos ? kPiece : line_end;
    result.emplace_back(text.substr(0, end));
    text.remove_prefix(line_end == std::string_view::npos ? end : end + 1);
  }
  result.emplace_back(text);
  return result;
}

}  // namespace

Result<std::shared_ptr<Connection>> Connection::create(EventLoop& loop, Fd socket) {
  LLRUN_TRY(set_nonblocking(socket.get(), true));
  std::shared_ptr<Connection> connection(new Connection(loop, std::move(socket)));
  return connection;
}

Connection::~Connection() { close(); }

void Connection::listen(OnMessage on_message, OnClosed on_closed) {
  on_message_ = std::move(on_message);
  on_closed_ = std::move(on_closed);
  const std::weak_ptr<Connection> weak = weak_from_this();
  const auto watched = loop_.watch(socket_.get(), EPOLLIN, [weak](std::uint32_t events) {
    if (const auto self = weak.lock()) self->on_ready(events);
  });
  LLRUN_CHECK(watched, "watching a control connection");
}

void Connection::on_ready(std::uint32_t events) {
  if ((events & EPOLLOUT) != 0 && !send_queued()) return;
  // A bounded number a turn, so that one talkative client does not starve the rest.
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0) return;
  for (int i = 0; i < 16 && open(); ++i)
    if (!receive_one()) return;
}

bool Connection::receive_one() {
  auto received = receive_fds(socket_.get(), kMaxMessage);
  if (!received) {
    if (!would_block(received.error())) fail(received.error().message());
    return false;
  }
  protocol::ControlMessage message;
  if (!message.ParseFromArray(received->data.data(), static_cast<int>(received->data.size()))) {
    fail("the other end sent a message that cannot be read: is it llrun of the same version?");
    return false;
  }
  const auto handler = on_message_;  // the handler may close, and so forget, this connection
  handler(std::move(message), std::move(received->fds));
  return true;
}

void Connection::send(const protocol::ControlMessage& message, std::span<const int> fds) {
  std::string bytes = message.SerializeAsString();
  if (bytes.size() <= kMaxMessage) return enqueue(std::move(bytes), fds);
  // Only answers have text without a bound of its own (the stacks of a thousand threads).
  protocol::ControlMessage row;
  row.set_id(message.id());
  for (auto& piece : pieces(message.answer().text())) {
    row.mutable_row()->set_line(std::move(piece));
    enqueue(row.SerializeAsString(), {});
  }
  protocol::ControlMessage last = message;
  last.mutable_answer()->clear_text();
  if (last.ByteSizeLong() > kMaxMessage) last.mutable_answer()->clear_json();
  enqueue(last.SerializeAsString(), fds);
}

void Connection::enqueue(std::string bytes, std::span<const int> fds) {
  if (!open()) return;
  Outgoing outgoing{std::move(bytes), {}};
  for (const int fd : fds) {
    Fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    if (!copy.valid()) return fail("a descriptor to be passed on could not be duplicated");
    outgoing.fds.push_back(std::move(copy));
  }
  queue_.push_back(std::move(outgoing));
  if (queue_.size() > kMaxQueued) return fail("the other end does not read what it is sent");
  send_queued();
}

bool Connection::send_queued() {
  while (!queue_.empty() && open()) {
    std::vector<int> fds;
    for (const auto& fd : queue_.front().fds) fds.push_back(fd.get());
    const auto sent =
        send_fds(socket_.get(), bytes_of(std::string_view(queue_.front().bytes)), fds);
    if (!sent && would_block(sent.error())) break;
    if (!sent) {
      // Its last messages may still be here to be read; the end of file after them closes.
      queue_.clear();
      break;
    }
    queue_.pop_front();
  }
  if (on_message_ && open())
    (void)loop_.change(socket_.get(), queue_.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT);
  return true;
}

void Connection::flush(EventLoop::Clock::duration limit) {
  const auto end = EventLoop::Clock::now() + limit;
  while (open() && !queue_.empty() && EventLoop::Clock::now() < end) {
    pollfd wanted{socket_.get(), POLLOUT, 0};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - EventLoop::Clock::now());
    ::poll(&wanted, 1, static_cast<int>(left.count()));
    if (!send_queued()) return;
  }
}

void Connection::close() {
  closed_by_owner_ = true;
  if (!open()) return;
  loop_.unwatch(socket_.get());
  socket_.reset();
  queue_.clear();
}

void Connection::fail(const std::string& why) {
  if (!open()) return;
  close();
  closed_by_owner_ = false;
  // Told later: whoever is sending just now must not find its own state changed under it.
  loop_.post([weak = weak_from_this(), why] {
    const auto self = weak.lock();
    if (self == nullptr || self->closed_by_owner_ || !self->on_closed_) return;
    const auto handler = self->on_closed_;  // it may forget this connection
    handler(why);
  });
}

}  // namespace llrun::control
