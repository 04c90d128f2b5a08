#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <array>
#include <csignal>
#include <thread>

#include "supervisor/control/client.h"
#include "supervisor/control/connection.h"
#include "supervisor/control/server.h"
#include "tests/unit/control/fixture.h"

namespace llrun::control {
namespace {

using protocol::ControlMessage;

class ServerTest : public ControlFixture {
 protected:
  Result<std::unique_ptr<ControlServer>> serve() {
    return ControlServer::create(*loop_, {socket_}, [this](std::shared_ptr<Connection> client) {
      auto* raw = client.get();
      client->listen([this, raw](ControlMessage message,
                                 std::vector<Fd> fds) { handle_(*raw, message, std::move(fds)); },
                     [this](const std::string&) { ++closed_; });
      clients_.push_back(std::move(client));
    });
  }
  // Asks from another thread, as another process would.
  Result<protocol::Answer> ask(const ControlMessage& question,
                               const ControlClient::OnRow& on_row = {},
                               std::span<const int> fds = {}) {
    Result<protocol::Answer> result = failure(ErrorCode::kGone, "not asked");
    std::thread asker([&] {
      auto socket = connect_to(socket_);
      if (socket) result = ControlClient(std::move(*socket)).ask(question, on_row, fds);
      loop_->stop();
    });
    loop_->run();
    asker.join();
    return result;
  }

  std::function<void(Connection&, const ControlMessage&, std::vector<Fd>)> handle_;
  std::vector<std::shared_ptr<Connection>> clients_;
  int closed_ = 0;
};

ControlMessage verb(const std::string& name) {
  ControlMessage message;
  message.mutable_verb()->set_verb(name);
  return message;
}

TEST_F(ServerTest, PassesQuestionsRowsAnswersAndDescriptors) {
  handle_ = [](Connection& client, const ControlMessage& question, std::vector<Fd> fds) {
    EXPECT_EQ(question.verb().verb(), "hello");
    ASSERT_EQ(fds.size(), 1U);
    EXPECT_EQ(::write(fds[0].get(), "!", 1), 1);
    ControlMessage message;
    message.set_id(question.id());
    message.mutable_row()->set_line("a row");
    client.send(message);
    message.mutable_answer()->set_text("the answer");
    client.send(message);
  };
  const auto server = serve();
  ASSERT_TRUE(server) << server.error().message();
  auto pipe = make_pipe();
  ASSERT_TRUE(pipe);
  std::vector<std::string> rows;
  const std::array fds{pipe->second.get()};
  const auto answer = ask(
      verb("hello"), [&](const protocol::Row& row) { rows.push_back(row.line()); }, fds);
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->text(), "the answer");
  EXPECT_EQ(rows, std::vector<std::string>{"a row"});
  char c = 0;
  EXPECT_EQ(::read(pipe->first.get(), &c, 1), 1);
  EXPECT_EQ(c, '!');
}

TEST_F(ServerTest, ALongAnswerArrivesInPieces) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "line " + std::to_string(i) + "\n";
  ASSERT_GT(text.size(), kMaxMessage);
  handle_ = [&](Connection& client, const ControlMessage& question, std::vector<Fd>) {
    ControlMessage message;
    message.set_id(question.id());
    message.mutable_answer()->set_text(text);
    client.send(message);
  };
  const auto server = serve();
  ASSERT_TRUE(server);
  std::string got;
  const auto answer =
      ask(verb("stack"), [&](const protocol::Row& row) { got += row.line() + "\n"; });
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_TRUE(got == text) << got.size() << " of " << text.size();
}

TEST_F(ServerTest, OnlyOneAgentHoldsTheSocketAndItIsPrivate) {
  const auto server = serve();
  ASSERT_TRUE(server);
  struct stat status {};
  ASSERT_EQ(::stat(socket_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  const auto second = serve();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kRefused);
}

TEST_F(ServerTest, AStaleSocketIsReplaced) {
  const pid_t child = ::fork();
  if (child == 0) {
    const auto server = serve();
    ::_exit(server ? 0 : 1);  // without removing it, as after kill -9
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  ASSERT_EQ(::access(socket_.c_str(), F_OK), 0);
  EXPECT_FALSE(connect_to(socket_));
  const auto server = serve();
  ASSERT_TRUE(server) << server.error().message();
  EXPECT_TRUE(connect_to(socket_));
}

TEST_F(ServerTest, TheNameGoesWithTheServer) {
  { ASSERT_TRUE(serve()); }
  EXPECT_NE(::access(socket_.c_str(), F_OK), 0);
}

TEST_F(ServerTest, NonsenseClosesTheConnection) {
  const auto server = serve();
  ASSERT_TRUE(server);
  const auto socket = connect_to(socket_);
  ASSERT_TRUE(socket);
  ASSERT_EQ(::send(socket->get(), "\xff\xff\xff", 3, 0), 3);
  run_until([&] { return closed_ == 1; });
}

TEST_F(ServerTest, AClientThatReadsNothingIsDroppedAndNeverBlocksTheAgent) {
  const auto server = serve();
  ASSERT_TRUE(server);
  const auto deaf = connect_to(socket_);
  ASSERT_TRUE(deaf);
  run_until([&] { return !clients_.empty(); });
  ControlMessage message = verb(std::string(1000, 'x'));
  for (std::size_t i = 0; i < kMaxQueued * 2 && clients_[0]->open(); ++i)
    clients_[0]->send(message);
  EXPECT_FALSE(clients_[0]->open());
  run_until([&] { return closed_ == 1; });
}

// Another user's process must not even be listened to. Only root can play another user.
TEST_F(ServerTest, AnotherUserIsTurnedAway) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can play another user";
  const auto server = serve();
  ASSERT_TRUE(server);
  ASSERT_EQ(::chmod(directory_.c_str(), 0755), 0);
  ASSERT_EQ(::chmod(socket_.c_str(), 0666), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setresuid(65534, 65534, 65534) != 0) ::_exit(2);
    // Not by connect_to(), which turns away an agent of another user's as well.
    const Fd socket(::socket(AF_UNIX, SOCK_SEQPACKET, 0));
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    socket_.copy(address.sun_path, sizeof address.sun_path - 1);
    if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      ::_exit(3);
    char c = 0;
    ::_exit(::recv(socket.get(), &c, 1, 0) == 0 ? 0 : 4);  // closed by the agent
  }
  int status = -1;
  bool ended = false;
  run_until([&] { return ended = ended || ::waitpid(child, &status, WNOHANG) == child; });
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(clients_.empty());
}

}  // namespace
}  // namespace llrun::control
