// The check at the door: what kernels write passes, everything else is refused with its reason.
#include "netproxy/homefs/frame_check.h"

#include <gtest/gtest.h>
#include <linux/fuse.h>

#include <cstring>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "netproxy/homefs/frame.h"

namespace llrun::homefs {
namespace {

class RequestFrame {
 public:
  explicit RequestFrame(std::uint32_t opcode) {
    fuse_in_header header{};
    header.opcode = opcode;
    header.unique = 42;
    add(header);
  }
  template <typename T>
  RequestFrame& add(const T& part) {
    const auto bytes = bytes_of(part);
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return fit();
  }
  RequestFrame& text(const std::string& text) {
    const auto bytes = bytes_of(std::string_view(text.c_str(), text.size() + 1));
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return fit();
  }
  RequestFrame& length(std::uint32_t length) {
    std::memcpy(bytes_.data(), &length, sizeof length);
    return *this;
  }
  RequestFrame& cut(std::size_t count) {
    bytes_.erase(bytes_.end() - static_cast<std::ptrdiff_t>(count), bytes_.end());
    return fit();
  }
  [[nodiscard]] bool passes() const { return check_request(bytes_).fault == nullptr; }
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

 private:
  RequestFrame& fit() { return length(static_cast<std::uint32_t>(bytes_.size())); }
  std::vector<std::byte> bytes_;
};

TEST(FrameCheck, TellsWhichRequestItIs) {
  const auto checked = check_request(RequestFrame(FUSE_LOOKUP).text("etc").bytes());
  EXPECT_EQ(checked.fault, nullptr);
  EXPECT_EQ(checked.opcode, FUSE_LOOKUP);
  EXPECT_EQ(checked.unique, 42U);
}

TEST(FrameCheck, RefusesLengthsThatAreNotTheFrames) {
  EXPECT_FALSE(RequestFrame(FUSE_LOOKUP).text("etc").length(43).passes());
  EXPECT_FALSE(RequestFrame(FUSE_LOOKUP).text("etc").length(4000).passes());
  EXPECT_NE(check_request({}).fault, nullptr);
  EXPECT_NE(check_request(RequestFrame(FUSE_STATFS).bytes().first(39)).fault, nullptr);
  const std::vector<std::byte> long_one(kMaxFrame + 1);
  EXPECT_NE(check_request(long_one).fault, nullptr);
}

TEST(FrameCheck, RefusesNamesThatAreNone) {
  for (const auto* name : {"", ".", "..", "a/b", "/"})
    EXPECT_FALSE(RequestFrame(FUSE_LOOKUP).text(name).passes()) << name;
  for (const auto* name : {"a", "...", ".a", "..a"})
    EXPECT_TRUE(RequestFrame(FUSE_LOOKUP).text(name).passes()) << name;
  EXPECT_FALSE(RequestFrame(FUSE_LOOKUP).text("etc").cut(1).passes());
  EXPECT_FALSE(RequestFrame(FUSE_LOOKUP).text(std::string(1025, 'a')).passes());
}

TEST(FrameCheck, RefusesASecondNameThatIsMissing) {
  EXPECT_TRUE(RequestFrame(FUSE_RENAME2).add(fuse_rename2_in{}).text("a").text("b").passes());
  EXPECT_FALSE(RequestFrame(FUSE_RENAME2).add(fuse_rename2_in{}).text("a").passes());
  EXPECT_FALSE(RequestFrame(FUSE_SYMLINK).text("a").passes());
  EXPECT_TRUE(RequestFrame(FUSE_SYMLINK).text("a").text("/some/../where").passes());
}

TEST(FrameCheck, RefusesWritesWhoseSizeIsNotTheirDatas) {
  fuse_write_in write{};
  write.size = 4;
  EXPECT_TRUE(RequestFrame(FUSE_WRITE).add(write).text("abc").passes());
  EXPECT_FALSE(RequestFrame(FUSE_WRITE).add(write).text("abcd").passes());
  write.size = 0xFFFFFFFF;
  EXPECT_FALSE(RequestFrame(FUSE_WRITE).add(write).text("abc").passes());
}

TEST(FrameCheck, RefusesSizesOverTheBound) {
  fuse_read_in read{};
  read.size = kMaxData;
  EXPECT_TRUE(RequestFrame(FUSE_READ).add(read).passes());
  read.size = kMaxData + 1;
  for (const auto opcode : {FUSE_READ, FUSE_READDIR, FUSE_READDIRPLUS})
    EXPECT_FALSE(RequestFrame(opcode).add(read).passes());
  fuse_batch_forget_in forget{.count = 0x10000000, .dummy = 0};
  EXPECT_FALSE(RequestFrame(FUSE_BATCH_FORGET).add(forget).passes());
  fuse_getxattr_in get{.size = 1U << 30, .padding = 0};
  EXPECT_FALSE(RequestFrame(FUSE_GETXATTR).add(get).text("user.a").passes());
}

TEST(FrameCheck, TellsWhatOnlyReads) {
  fuse_read_in read{};
  read.size = 1;
  EXPECT_TRUE(only_reads(RequestFrame(FUSE_READ).add(read).bytes()));
  read.read_flags = FUSE_READ_LOCKOWNER;  // it may be at an offset that is home's
  EXPECT_FALSE(only_reads(RequestFrame(FUSE_READ).add(read).bytes()));
  EXPECT_FALSE(only_reads(RequestFrame(FUSE_READ).bytes()));
  EXPECT_FALSE(only_reads(RequestFrame(FUSE_GETLK).add(fuse_lk_in{}).bytes()));
  EXPECT_FALSE(only_reads(RequestFrame(FUSE_RELEASE).add(fuse_release_in{}).bytes()));
}

TEST(FrameCheck, RefusesBodiesThatAreTooShort) {
  for (const auto opcode :
       {FUSE_OPEN, FUSE_GETATTR, FUSE_SETATTR, FUSE_RELEASE, FUSE_FSYNC, FUSE_FORGET, FUSE_ACCESS,
        FUSE_FALLOCATE, FUSE_LSEEK, FUSE_COPY_FILE_RANGE, FUSE_IOCTL, FUSE_MKNOD, FUSE_CREATE})
    EXPECT_FALSE(RequestFrame(opcode).add(std::uint32_t{0}).passes()) << opcode;
}

TEST(FrameCheck, KnowsWhichKernelsMaySpeak) {
  fuse_init_in init{};
  init.major = FUSE_KERNEL_VERSION;
  init.minor = 34;
  EXPECT_TRUE(RequestFrame(FUSE_INIT).add(init).passes());
  init.flags = FUSE_INIT_EXT;
  EXPECT_TRUE(RequestFrame(FUSE_INIT).add(init).passes());
  EXPECT_FALSE(RequestFrame(FUSE_INIT).add(init).cut(40).passes());
  init.minor = 20;
  EXPECT_FALSE(RequestFrame(FUSE_INIT).add(init).passes());
}

TEST(FrameCheck, LetsUnknownRequestsThroughToTheirRefusal) {
  EXPECT_TRUE(RequestFrame(777).passes());
  EXPECT_FALSE(RequestFrame(4096).passes());
  EXPECT_FALSE(RequestFrame(FUSE_DESTROY).passes());
  EXPECT_FALSE(RequestFrame(FUSE_NOTIFY_REPLY).passes());
}

ReplyKind kind(std::uint64_t unique, std::int32_t error, std::int64_t offset, bool body) {
  fuse_out_header header{sizeof header, error, unique};
  const fuse_notify_inval_inode_out notice{1, offset, 0};
  if (body) header.len += static_cast<std::uint32_t>(sizeof notice);
  std::string frame(text_of(bytes_of(header)));
  if (body) frame += text_of(bytes_of(notice));
  return kind_of_reply(bytes_of(std::string_view(frame)));
}

TEST(ReplyKind, TellsNoticesThatMayWaitFromAllElse) {
  EXPECT_EQ(kind(42, -2, 0, false), ReplyKind::kReply);
  EXPECT_EQ(kind(0, FUSE_NOTIFY_INVAL_INODE, -1, true), ReplyKind::kQuickNotice);
  EXPECT_EQ(kind(0, FUSE_NOTIFY_INVAL_INODE, 0, true), ReplyKind::kNotice);
  EXPECT_EQ(kind(0, FUSE_NOTIFY_INVAL_INODE, -1, false), ReplyKind::kNotice);
  EXPECT_EQ(kind(0, FUSE_NOTIFY_DELETE, -1, true), ReplyKind::kNotice);
}

TEST(ReplyKind, RefusesLengthsThatAreNotTheFrames) {
  EXPECT_EQ(kind_of_reply({}), ReplyKind::kMalformed);
  const fuse_out_header header{17, 0, 42};
  EXPECT_EQ(kind_of_reply(bytes_of(header)), ReplyKind::kMalformed);
}

}  // namespace
}  // namespace llrun::homefs
