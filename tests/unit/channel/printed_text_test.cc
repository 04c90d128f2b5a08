// A login that prints where the channel should begin: the person is shown what it was.
#include "netproxy/channel/printed_text.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/fd.h"
#include "netproxy/channel/frame_buffer.h"
#include "netproxy/channel/frame_io.h"

namespace llrun {
namespace {

std::span<const std::byte> bytes(std::string_view text) { return bytes_of(text); }

std::string frame() {
  wire::FrameHeader header;
  header.type = wire::FrameType::kHello;
  return std::string(text_of(wire::encode(header)));
}

Result<OwnedFrame> read_after(const std::string& text) {
  auto pipe = make_pipe();
  EXPECT_TRUE(pipe && write_all(pipe->second.get(), bytes(text)));
  pipe->second.reset();
  return read_frame(pipe->first.get(), std::chrono::seconds(60));
}

TEST(PrintedText, IsItsFirstLineWithText) {
  EXPECT_EQ(printed_line(bytes("\nWelcome to b\r\nand more")), "Welcome to b");
  EXPECT_EQ(printed_line(bytes("no end of line")), "no end of line");
  EXPECT_EQ(printed_line(bytes("  \n\n")), std::nullopt);
  EXPECT_EQ(printed_line(bytes(frame())), std::nullopt);
  EXPECT_EQ(printed_line(bytes("\033[1mbold\033[0m\n")), "[1mbold[0m");
}

TEST(PrintedText, IsShownForTheFirstFrameOfAChannel) {
  for (const std::string line : {"hi", "Welcome to the machine that is called b"}) {
    const auto refused = read_after(line + "\n" + frame());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kProtocol);
    EXPECT_NE(refused.error().message().find('"' + line + '"'), std::string::npos)
        << refused.error().message();
    EXPECT_NE(refused.error().message().find(".bashrc"), std::string::npos);
  }
}

TEST(PrintedText, IsShownWhereNothingFollows) {
  const auto refused = read_after("no llrund\n");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("\"no llrund\""), std::string::npos);
}

TEST(PrintedText, IsShownByAChannelThatIsOpen) {
  FrameBuffer buffer;
  const std::string text = "Welcome to the machine b\n" + frame();
  std::ranges::copy(bytes(text), buffer.room().begin());
  buffer.filled(text.size());
  const auto refused = buffer.next();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("\"Welcome to the machine b\""), std::string::npos);
}

TEST(PrintedText, ComesBeforeTheFirstFrameOnly) {
  FrameBuffer buffer;
  const std::string text = frame() + "Welcome to the machine b\n";
  std::ranges::copy(bytes(text), buffer.room().begin());
  buffer.filled(text.size());
  ASSERT_TRUE(buffer.next());
  const auto refused = buffer.next();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("unknown type"), std::string::npos);
}

}  // namespace
}  // namespace llrun
