// An agent's sockets: what is removed is bound anew, and of two agents there is one.
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/control/client.h"
#include "supervisor/control/server.h"
#include "tests/unit/control/fixture.h"

namespace llrun::control {
namespace {

class ListeningTest : public ControlFixture {
 protected:
  ListeningTest() : name_("@llrun-test-" + std::to_string(::getpid())) {}
  Result<std::unique_ptr<ControlServer>> serve(const std::vector<std::string>& addresses) {
    return ControlServer::create(*loop_, addresses, [this](std::shared_ptr<Connection> client) {
      ++clients_;
      client->listen([](const auto&, auto) {}, [](const auto&) {});
    });
  }
  std::string name_;
  int clients_ = 0;
};

TEST_F(ListeningTest, ARemovedSocketIsBoundAnew) {
  const auto server = serve({socket_});
  ASSERT_TRUE(server) << server.error().message();
  EXPECT_FALSE((*server)->bind_anew({socket_})) << "it is there";
  ASSERT_EQ(::unlink(socket_.c_str()), 0);
  EXPECT_FALSE(connect_to(socket_));
  EXPECT_TRUE((*server)->bind_anew({socket_}));
  EXPECT_TRUE(connect_to(socket_));
}

// By an agent of another version that has ended, or by whoever unpacks a saved directory.
TEST_F(ListeningTest, SoIsOneThatAnotherWasPutInPlaceOf) {
  const auto server = serve({socket_});
  ASSERT_TRUE(server);
  {
    const auto other = serve({socket_ + ".other"});
    ASSERT_TRUE(other);
    ASSERT_EQ(::rename((socket_ + ".other").c_str(), socket_.c_str()), 0);
  }
  EXPECT_FALSE(connect_to(socket_));
  EXPECT_TRUE((*server)->bind_anew({socket_}));
  EXPECT_TRUE(connect_to(socket_));
}

TEST_F(ListeningTest, SoIsOneWhoseDirectoryWasMadeAnew) {
  const auto server = serve({socket_});
  ASSERT_TRUE(server);
  ASSERT_EQ(::rename(directory_.c_str(), (directory_ + "-old").c_str()), 0);
  EXPECT_FALSE((*server)->bind_anew({socket_})) << "there is no place for it";
  ASSERT_EQ(::mkdir(directory_.c_str(), 0700), 0);
  EXPECT_TRUE((*server)->bind_anew({socket_}));
  EXPECT_TRUE(connect_to(socket_));
  EXPECT_EQ(::access((directory_ + "-old/a.sock").c_str(), F_OK), 0) << "not touched";
  ::unlink((directory_ + "-old/a.sock").c_str());
  ::rmdir((directory_ + "-old").c_str());
}

TEST_F(ListeningTest, AnAddressThatComesLaterIsTaken) {
  const auto server = serve({name_});
  ASSERT_TRUE(server) << server.error().message();
  EXPECT_FALSE(connect_to(socket_));
  EXPECT_TRUE((*server)->bind_anew({socket_, name_}));
  EXPECT_TRUE(connect_to(socket_));
  EXPECT_TRUE(connect_to(name_));
  EXPECT_FALSE((*server)->bind_anew({socket_, name_}));
  run_until([this] { return clients_ == 2; });
}

// With its files removed, an agent that starts finds the one that runs all the same.
TEST_F(ListeningTest, TwoAreOneAlsoWithoutTheirFiles) {
  const auto server = serve({socket_, name_});
  ASSERT_TRUE(server) << server.error().message();
  ASSERT_EQ(::unlink(socket_.c_str()), 0);
  const auto second = serve({socket_, name_});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kRefused);
  EXPECT_FALSE(connect_to(socket_)) << "it has left nothing";
}

TEST_F(ListeningTest, OneAddressIsEnough) {
  const auto server = serve({"/no/such/directory/a.sock", socket_});
  ASSERT_TRUE(server) << server.error().message();
  EXPECT_TRUE(connect_to(socket_));
  EXPECT_FALSE(serve({"/no/such/directory/a.sock"}));
}

// A name is anybody's to take: who it is says the kernel.
TEST_F(ListeningTest, ANameThatAnotherUserHasIsNoAgents) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be two users";
  ASSERT_EQ(::seteuid(64123), 0);
  auto theirs = ListeningSocket::open(name_);
  ASSERT_EQ(::seteuid(0), 0);
  ASSERT_TRUE(theirs) << theirs.error().message();
  EXPECT_FALSE(connect_to(name_));
  const auto server = serve({socket_, name_});
  ASSERT_TRUE(server) << server.error().message();
  EXPECT_TRUE(connect_to(socket_));
}

}  // namespace
}  // namespace llrun::control
