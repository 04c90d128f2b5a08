#include "supervisor/job/holds.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace llrun {
namespace {

class HoldsTest : public testing::Test {
 protected:
  HoldsTest() {
    std::string path = testing::TempDir() + "holds-XXXXXX";
    directory_ = ::mkdtemp(path.data());
  }
  ~HoldsTest() override { std::filesystem::remove_all(directory_); }

  void hold(const std::string& point) { std::ofstream(directory_ + "/home-" + point) << ""; }
  void let_go(const std::string& point) { std::filesystem::remove(directory_ + "/home-" + point); }
  Holds::Task note(const std::string& what) {
    return [this, what] { seen_ += what + " "; };
  }
  // Until everything that is not held has been done: a look comes every few milliseconds.
  void run_until(const std::string& seen) {
    loop_->every(std::chrono::milliseconds(1), [this, seen] {
      if (seen_ == seen) loop_->stop();
    });
    loop_->after(std::chrono::seconds(20), [this] { loop_->stop(); });
    loop_->run();
    EXPECT_EQ(seen_, seen);
  }

  std::string directory_, seen_;
  std::unique_ptr<EventLoop> loop_ = EventLoop::create().value();
};

TEST_F(HoldsTest, APointThatNobodyHoldsIsPassedAtOnce) {
  Holds holds(*loop_, directory_, "home");
  holds.pass("Freezing", note("frozen"));
  EXPECT_EQ(seen_, "frozen ");
  EXPECT_FALSE(holds.holds_back("Commit"));
}

TEST_F(HoldsTest, WithoutTheDirectoryNothingIsEverHeld) {
  Holds holds(*loop_, directory_ + "/none", "home");
  std::filesystem::create_directory(directory_ + "/none");
  std::ofstream(directory_ + "/none/home-Freezing") << "";
  holds.pass("Freezing", note("frozen"));
  EXPECT_EQ(seen_, "frozen ");
}

TEST_F(HoldsTest, AHeldStateGoesOnWhenItIsLetGo) {
  Holds holds(*loop_, directory_, "home");
  hold("Freezing");
  holds.pass("Freezing", note("frozen"));
  holds.pass("Transferring", note("sent"));
  EXPECT_EQ(seen_, "sent ");
  loop_->after(std::chrono::milliseconds(1), [this] { let_go("Freezing"); });
  run_until("sent frozen ");
}

TEST_F(HoldsTest, MessagesKeepTheirOrderBehindAHeldOne) {
  Holds holds(*loop_, directory_, "home");
  hold("Commit");
  ASSERT_TRUE(holds.holds_back("Commit"));
  holds.keep("Commit", note("commit"));
  ASSERT_TRUE(holds.holds_back("Kill"));
  holds.keep("Kill", note("kill"));
  loop_->after(std::chrono::milliseconds(1), [this] { let_go("Commit"); });
  run_until("commit kill ");
  EXPECT_FALSE(holds.holds_back("Kill"));
}

TEST_F(HoldsTest, WhatIsHeldIsDroppedWithItsOwner) {
  auto holds = std::make_unique<Holds>(*loop_, directory_, "home");
  hold("Freezing");
  holds->pass("Freezing", note("frozen"));
  holds.reset();
  let_go("Freezing");
  run_until("");
}

TEST(NameOfMessage, IsThatOfItsType) {
  protocol::JobMessage message;
  EXPECT_EQ(name_of(message), "");
  message.mutable_pages_end();
  EXPECT_EQ(name_of(message), "PagesEnd");
  message.mutable_image();
  EXPECT_EQ(name_of(message), "Image");
}

}  // namespace
}  // namespace llrun
