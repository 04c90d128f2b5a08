#include "supervisor/agent/hello_reader.h"

#include <fcntl.h>

#include "base/bytes.h"
#include "imagefmt/wire.h"
#include "supervisor/agent/traits.h"
#include "tests/unit/control/fixture.h"

namespace llrun::agent {
namespace {

class HelloReaderTest : public control::ControlFixture {
 protected:
  void SetUp() override {
    ControlFixture::SetUp();
    pipe_ = *make_pipe();
  }
  // The reader goes before the loop that it holds on to.
  void again() {
    reader_.reset();
    SetUp();
  }
  static std::string frame(wire::FrameType type, const std::string& payload) {
    wire::FrameHeader header;
    header.type = type;
    header.length = static_cast<std::uint32_t>(payload.size());
    return std::string(text_of(wire::encode(header))) + payload;
  }
  void put(const std::string& bytes) {
    ASSERT_TRUE(write_all(pipe_.second.get(), bytes_of(std::string_view(bytes))));
  }
  void read(EventLoop::Clock::duration limit = std::chrono::minutes(1)) {
    reader_ = std::make_unique<HelloReader>(
        *loop_, pipe_.first.get(), limit,
        [this](Result<ReceivedHello> hello) { got_.push_back(std::move(hello)); });
  }
  FdPair pipe_;
  std::unique_ptr<HelloReader> reader_;
  std::vector<Result<ReceivedHello>> got_;
};

TEST_F(HelloReaderTest, TakesExactlyOneFrameHoweverItArrives) {
  const auto bytes = own_hello("a", protocol::Hello::PURPOSE_JOB).SerializeAsString();
  const auto whole = frame(wire::FrameType::kHello, bytes) + "the next byte";
  read();
  std::size_t sent = 0;
  run_until([&] {
    if (sent < whole.size()) put(whole.substr(sent, 7));
    sent += 7;
    return !got_.empty() && sent >= whole.size();
  });
  ASSERT_TRUE(got_[0]) << got_[0].error().message();
  EXPECT_EQ(got_[0]->hello.node(), "a");
  EXPECT_EQ(got_[0]->bytes, bytes);
  std::string rest(13, 0);
  ASSERT_TRUE(read_all(pipe_.first.get(), std::as_writable_bytes(std::span(rest))));
  EXPECT_EQ(rest, "the next byte");
}

TEST_F(HelloReaderTest, RefusesOtherFramesNonsenseAndSilence) {
  put(frame(wire::FrameType::kKeepAlive, "12345678"));
  read();
  run_until([&] { return got_.size() == 1; });
  EXPECT_EQ(got_[0].error().code, ErrorCode::kProtocol);
  again();
  put("Welcome to host b, last login yesterday");
  read();
  run_until([&] { return got_.size() == 2; });
  EXPECT_EQ(got_[1].error().code, ErrorCode::kProtocol);
  again();
  pipe_.second.reset();
  read();
  run_until([&] { return got_.size() == 3; });
  EXPECT_EQ(got_[2].error().code, ErrorCode::kGone);
  again();
  read(std::chrono::milliseconds(1));
  run_until([&] { return got_.size() == 4; });
  EXPECT_EQ(got_[3].error().code, ErrorCode::kTimeout);
}

TEST_F(HelloReaderTest, APlainFileIsNoChannel) {
  pipe_.first = *open_file("/proc/self/exe", O_RDONLY);
  read();
  run_until([&] { return got_.size() == 1; });
  EXPECT_FALSE(got_[0]);
}

TEST(Traits, DescribeThisNode) {
  const auto traits = own_hello("a", protocol::Hello::PURPOSE_AGENT).traits();
  EXPECT_GT(traits.cpu_flags_size(), 0);
  EXPECT_FALSE(traits.cpu_vendor().empty());
  EXPECT_FALSE(traits.kernel_release().empty());
}

}  // namespace
}  // namespace llrun::agent
