// A node's sleep as a test pretends it: for the whole process, while this lives.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>

#include "base/clock.h"
#include "base/fd.h"

namespace llrun::test {

class PretendedSleep {
 public:
  PretendedSleep() {
    write(std::chrono::nanoseconds(0));
    pretend_sleeps(name_);
    ::unlink(name_);
  }
  ~PretendedSleep() { write(std::chrono::nanoseconds(0)); }
  PretendedSleep(const PretendedSleep&) = delete;
  PretendedSleep& operator=(const PretendedSleep&) = delete;

  // As if the last `slept` had been slept through.
  void write(std::chrono::nanoseconds slept) {
    const std::int64_t count = slept.count();
    ASSERT_EQ(::pwrite(file_.get(), &count, sizeof count, 0), ssize_t{sizeof count});
  }

 private:
  char name_[32] = "/tmp/llrun-sleep-XXXXXX";
  Fd file_{::mkstemp(name_)};
};

}  // namespace llrun::test
