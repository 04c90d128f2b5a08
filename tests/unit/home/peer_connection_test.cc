// Reaching a peer where only so many may log in at once, as by sshd's MaxStartups.
#include "supervisor/home/peer_connection.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <future>

#include "base/bytes.h"
#include "imagefmt/wire.h"
#include "supervisor/protocol/version.h"

namespace llrun {
namespace {

class PeerConnectionTest : public testing::Test {
 protected:
  void SetUp() override {
    char path[] = "/tmp/llrun-reach-XXXXXX";
    ASSERT_NE(::mkdtemp(path), nullptr);
    top_ = path;
    ASSERT_EQ(::mkdir((top_ + "/tmp").c_str(), 0700), 0);
    ::setenv("LLRUN_RUNTIME_ROOT", path, 1);
    protocol::Hello theirs;
    theirs.set_version(kProtocolVersion);
    theirs.set_node("b");
    const auto bytes = theirs.SerializeAsString();
    wire::FrameHeader header;
    header.type = wire::FrameType::kHello;
    header.length = static_cast<std::uint32_t>(bytes.size());
    std::ofstream(top_ + "/hello") << text_of(wire::encode(header)) << bytes;
  }
  void TearDown() override { ASSERT_EQ(std::system(("rm -r " + top_).c_str()), 0); }

  [[nodiscard]] Result<PeerConnection> reach(const std::string& script) const {
    protocol::Hello ours;
    ours.set_version(kProtocolVersion);
    return reach_peer_in_turn("b", {"sh", "-c", "cd " + top_ + "; " + script}, ours,
                              [] { return false; });
  }
  [[nodiscard]] std::string lines_of(const std::string& name) const {
    return read_whole_file(top_ + "/" + name).value_or("");
  }

  std::string top_;
};

// As long as a login takes, its place is taken; who finds none is turned away.
constexpr const char* kDoor =
    "for place in 1 2 3 4 5 6; do if mkdir place-$place 2>/dev/null; then sleep 0.1; "
    "rmdir place-$place; cat hello; exec cat >/dev/null; fi; done; "
    "echo 'Connection closed by remote host' >&2; echo away >>turned; exit 255";

TEST_F(PeerConnectionTest, ManyAtOnceGoInOneAfterTheOther) {
  std::vector<std::future<Result<PeerConnection>>> all;
  for (int i = 0; i < 20; ++i)
    all.push_back(std::async(std::launch::async, [this] { return reach(kDoor); }));
  for (auto& one : all) {
    const auto reached = one.get();
    EXPECT_TRUE(reached) << reached.error().message();
  }
  EXPECT_EQ(lines_of("turned"), "") << "nobody had to try again";
}

TEST_F(PeerConnectionTest, WhoWasTurnedAwayTriesAgain) {
  const auto reached =
      reach("echo x >>tries; if [ $(wc -l <tries) -lt 3 ]; then exit 255; fi; cat hello; cat");
  EXPECT_TRUE(reached) << reached.error().message();
  EXPECT_EQ(lines_of("tries"), "x\nx\nx\n");
}

TEST_F(PeerConnectionTest, WhatSomebodySaysOverThereIsSaidOnce) {
  const auto printed = reach("echo x >>tries; echo 'Welcome to b'; cat hello; cat");
  ASSERT_FALSE(printed);
  EXPECT_EQ(printed.error().code, ErrorCode::kProtocol);
  EXPECT_NE(printed.error().message().find("\"Welcome to b\" was printed"), std::string::npos)
      << printed.error().message();
  EXPECT_EQ(lines_of("tries"), "x\n");
}

// The other node's own words may come that way: ssh passes on what is written to stderr there.
TEST_F(PeerConnectionTest, ACommandThatComplainsWithoutEndIsNotKept) {
  const auto reached = reach(
      "echo 'no route to b' >&2; cat /dev/zero >&2; [ $? = 0 ] || echo ended >>complained; exit 1");
  ASSERT_FALSE(reached);
  EXPECT_NE(reached.error().message().find("\"no route to b\""), std::string::npos)
      << reached.error().message();
  EXPECT_EQ(lines_of("complained").substr(0, 6), "ended\n");
}

TEST_F(PeerConnectionTest, ACommandThatNeverReachesAnybodySaysWhy) {
  const auto refused = reach("echo x >>tries; echo 'no route to b' >&2; exit 255");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("no route to b"), std::string::npos);
  EXPECT_EQ(lines_of("tries"), "x\nx\nx\nx\n");
}

}  // namespace
}  // namespace llrun
