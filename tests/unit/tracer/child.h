// A child process for a test, ended with the test.
#pragma once

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "base/ids.h"

// The error in words, where a Result is one.
#define ASSERT_OK(result) ASSERT_TRUE((result).has_value()) << (result).error().message()

namespace llrun::tracer {

class Child {
 public:
  explicit Child(const std::function<void()>& body) {
    pid_ = ::fork();
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    body();
    ::_exit(0);
  }
  explicit Child(const std::vector<std::string>& command)
      : Child([&command] {
          std::vector<char*> arguments;
          for (const auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
          arguments.push_back(nullptr);
          ::execvp(arguments[0], arguments.data());
        }) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, __WALL);
  }
  [[nodiscard]] HostPid pid() const { return {pid_}; }
  [[nodiscard]] HostTid main_thread() const { return {pid_}; }
  // Its wait status; it is then forgotten.
  int wait() {
    int status = 0;
    ::waitpid(std::exchange(pid_, 0), &status, __WALL);
    return status;
  }
  void forget() { pid_ = 0; }

 private:
  pid_t pid_ = 0;
};

}  // namespace llrun::tracer
