// The program that checks itself (selfcheck.cc), spoken to over its stdin and stdout.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "base/bytes.h"
#include "base/fd.h"
#include "tests/unit/tracer/child.h"

namespace llrun::tracer {

class SelfChecking {
 public:
  SelfChecking()
      : in_(*make_pipe()), out_(*make_pipe()), child_([this] {
          ::dup2(in_.first.get(), 0);
          ::dup2(out_.second.get(), 1);
          ::execl(SELFCHECK_PROGRAM, SELFCHECK_PROGRAM, nullptr);
        }) {
    out_.second.reset();
  }
  [[nodiscard]] HostPid pid() const { return child_.pid(); }
  std::string read_line() {
    std::string line;
    char letter = 0;
    while (::read(out_.first.get(), &letter, 1) == 1 && letter != '\n') line += letter;
    return line;
  }
  std::string ask(const std::string& line) {
    EXPECT_TRUE(write_all(in_.second.get(), bytes_of(std::string_view(line + "\n"))));
    return read_line();
  }
  int wait() { return child_.wait(); }

 private:
  FdPair in_, out_;
  Child child_;
};

}  // namespace llrun::tracer
