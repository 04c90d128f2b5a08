#include "supervisor/control/agent_client.h"

#include "supervisor/control/server.h"
#include "tests/unit/control/fixture.h"

namespace llrun::control {
namespace {

using protocol::ControlMessage;

class AgentClientTest : public ControlFixture {
 protected:
  void start_server() {
    auto server =
        ControlServer::create(*loop_, {socket_}, [this](std::shared_ptr<Connection> client) {
          client->listen([this](ControlMessage message,
                                std::vector<Fd>) { got_.push_back(std::move(message)); },
                         [](const std::string&) {});
          client_ = std::move(client);
        });
    ASSERT_TRUE(server) << server.error().message();
    server_ = std::move(*server);
  }
  void stop_server() {
    client_.reset();
    server_.reset();
    got_.clear();
  }
  void start_client(AgentClient::Handlers handlers = {}) {
    handlers.connected = [this](bool yes, const std::string&) { connected_ = yes; };
    auto client = AgentClient::create(*loop_, {"a", socket_, "", false}, std::move(handlers));
    ASSERT_TRUE(client) << client.error().message();
    agent_ = std::move(*client);
  }
  static protocol::ProcessReport report(std::uint64_t age_ms) {
    protocol::ProcessReport report;
    report.set_pid(4711);
    report.set_age_ms(age_ms);
    return report;
  }
  // Asks the supervisor's end; what it says is in got_.
  void ask(ControlMessage question, std::span<const int> fds = {}) {
    question.set_id(7);
    got_.clear();
    client_->send(question, fds);
    run_until([&] { return !got_.empty() && got_.back().has_answer(); });
    EXPECT_EQ(got_.back().id(), 7U);
  }

  std::unique_ptr<ControlServer> server_;
  std::shared_ptr<Connection> client_;
  std::unique_ptr<AgentClient> agent_;
  std::vector<ControlMessage> got_;
  bool connected_ = false;
};

TEST_F(AgentClientTest, RegistersReportsAndFinishes) {
  start_server();
  start_client();
  agent_->report(report(1));
  agent_->report(report(2));
  agent_->finished("exit status 0");
  agent_.reset();
  run_until([&] { return got_.size() == 3; });
  EXPECT_EQ(got_[0].register_supervisor().first().pid(), 4711);
  EXPECT_EQ(got_[1].report().age_ms(), 2U);
  EXPECT_EQ(got_[2].finished().how(), "exit status 0");
  EXPECT_EQ(got_[2].finished().pid(), 4711);
}

TEST_F(AgentClientTest, RegistersAgainWithWhatItKnowsWhenTheAgentRestarts) {
  start_server();
  start_client();
  agent_->report(report(1));
  run_until([&] { return !got_.empty(); });
  stop_server();
  run_until([&] { return !connected_; });
  agent_->report(report(2));
  agent_->event("move", "said while no agent was there");
  EXPECT_FALSE(agent_->connected());
  start_server();
  run_until([&] { return got_.size() == 2; });
  EXPECT_TRUE(connected_);
  EXPECT_EQ(got_[0].register_supervisor().first().age_ms(), 2U);
  EXPECT_EQ(got_[1].event().text(), "said while no agent was there");
}

TEST_F(AgentClientTest, AnswersWhatItIsAsked) {
  start_server();
  AgentClient::Handlers handlers;
  handlers.migrate = [](const protocol::Migrate& wanted, const Reply& reply) {
    EXPECT_EQ(wanted.node(), "b");
    EXPECT_EQ(wanted.channel_command_size(), 2);
    reply.refused("not now");
  };
  handlers.why = [](const protocol::Why&, const Reply& reply) {
    protocol::Row row;
    row.mutable_pin()->set_what("fd 7");
    reply.row(row);
    reply.done();
  };
  start_client(std::move(handlers));
  agent_->report(report(1));
  run_until([&] { return !got_.empty(); });
  ControlMessage question;
  question.mutable_migrate()->set_node("b");
  question.mutable_migrate()->add_channel_command("ssh");
  question.mutable_migrate()->add_channel_command("b");
  ask(question);
  EXPECT_EQ(got_.back().answer().status(), protocol::Answer::STATUS_REFUSED);
  EXPECT_EQ(got_.back().answer().text(), "not now");
  question.mutable_why()->set_pid(4711);
  ask(question);
  ASSERT_EQ(got_.size(), 2U);
  EXPECT_EQ(got_[0].row().pin().what(), "fd 7");
  question.mutable_stack()->set_pid(4711);
  ask(question);
  EXPECT_EQ(got_.back().answer().status(), protocol::Answer::STATUS_REFUSED)
      << "nobody set a handler";
}

TEST_F(AgentClientTest, TakesAChannelThatIsGiven) {
  start_server();
  auto pipe = make_pipe();
  ASSERT_TRUE(pipe);
  AgentClient::Handlers handlers;
  GivenChannel taken;
  handlers.give_channel = [&](GivenChannel channel, const Reply& reply) {
    taken = std::move(channel);
    reply.done();
  };
  start_client(std::move(handlers));
  agent_->report(report(1));
  run_until([&] { return !got_.empty(); });
  ControlMessage question;
  question.mutable_give_channel()->set_hello("hello bytes");
  ask(question, std::vector<int>{pipe->first.get(), pipe->second.get(), pipe->second.get()});
  EXPECT_EQ(taken.hello, "hello bytes");
  ASSERT_EQ(::write(taken.out.get(), "x", 1), 1);
  char c = 0;
  EXPECT_EQ(::read(taken.in.get(), &c, 1), 1);
  ask(question);
  EXPECT_EQ(got_.back().answer().status(), protocol::Answer::STATUS_REFUSED)
      << "without descriptors";
}

TEST_F(AgentClientTest, AReplyMayComeLaterAndAfterTheAskerHasGone) {
  start_server();
  AgentClient::Handlers handlers;
  std::vector<Reply> kept;
  handlers.come_home = [&](const protocol::ComeHome&, const Reply& reply) {
    kept.push_back(reply);
  };
  start_client(std::move(handlers));
  agent_->report(report(1));
  run_until([&] { return !got_.empty(); });
  ControlMessage question;
  question.set_id(9);
  question.mutable_come_home()->set_pid(4711);
  client_->send(question);
  run_until([&] { return kept.size() == 1; });
  got_.clear();
  kept[0].done("home again");
  run_until([&] { return !got_.empty(); });
  EXPECT_EQ(got_[0].id(), 9U);
  stop_server();
  run_until([&] { return !connected_; });
  kept[0].done("to nobody");
}

TEST_F(AgentClientTest, SaysWhyTheAgentCannotBeStarted) {
  std::string why;
  AgentClient::Handlers handlers;
  handlers.connected = [&](bool, const std::string& reason) { why = reason; };
  auto client =
      AgentClient::create(*loop_, {"a", socket_, "/nonexistent/llrund", true}, std::move(handlers));
  ASSERT_TRUE(client);
  run_until([&] { return !why.empty(); });
  EXPECT_NE(why.find("/nonexistent/llrund"), std::string::npos) << why;
}

}  // namespace
}  // namespace llrun::control
