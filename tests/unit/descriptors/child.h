// Child: a process that has prepared itself and waits, to be looked at.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/ids.h"

namespace llrun::test {

class Child {
 public:
  // Fork; run `prepare` in the child, tell the parent, and pause. `prepare` returns 0, or an errno:
  // then the test program ends in words. All descriptors but 0, 1, 2 of the test are closed first,
  // unless kept.
  static Child run(const std::function<int()>& prepare, const std::vector<int>& keep = {});
  // Start a program that writes a line to fd 1 when it is ready. Its stdin and stderr are
  // /dev/null.
  static Child exec(const std::vector<std::string>& command);
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  ~Child();  // SIGKILL to it and the group it leads, and wait

  [[nodiscard]] HostPid pid() const { return HostPid{pid_}; }
  void kill_and_wait();

 private:
  explicit Child(pid_t pid) : pid_(pid) {}
  pid_t pid_ = 0;
  Fd output_;  // what a program started by exec() writes to, kept open
};

// Go on as an ordinary user without privileges, if we are root. Before any test.
void become_ordinary_user();

// A new empty directory, removed with all in it at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  [[nodiscard]] std::string path(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Create or replace a file; ends the test program in words where that fails.
void write_file(const std::string& path, const std::string& text, unsigned mode = 0644);

}  // namespace llrun::test
