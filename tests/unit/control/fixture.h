// A directory for sockets and a loop that is run until something has become true.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>

#include "base/event_loop.h"

namespace llrun::control {

class ControlFixture : public testing::Test {
 protected:
  void SetUp() override {
    char path[] = "/tmp/llrun-control-XXXXXX";
    ASSERT_NE(::mkdtemp(path), nullptr);
    directory_ = path;
    socket_ = directory_ + "/a.sock";
    auto loop = EventLoop::create();
    ASSERT_TRUE(loop) << loop.error().message();
    loop_ = std::move(*loop);
  }
  void TearDown() override {
    ::unlink(socket_.c_str());
    ::rmdir(directory_.c_str());
  }

  // The loop runs until `condition` holds; a generous limit ends a test that would hang.
  void run_until(const std::function<bool()>& condition) {
    const auto limit = loop_->after(std::chrono::seconds(60), [this] { loop_->stop(); });
    const auto look = loop_->every(std::chrono::milliseconds(1), [&] {
      if (condition()) loop_->stop();
    });
    loop_->run();
    loop_->cancel(limit);
    loop_->cancel(look);
    EXPECT_TRUE(condition()) << "waited in vain";
  }

  std::string directory_, socket_;
  std::unique_ptr<EventLoop> loop_;
};

}  // namespace llrun::control
