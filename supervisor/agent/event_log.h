// EventLog: what `llrunctl log` shows. Lines in a file, shared by everybody who writes for this
// user on this machine, and pushed to followers.
#pragma once

#include <functional>
#include <list>
#include <string>
#include <vector>

#include "base/result.h"

namespace llrun::agent {

class EventLog {
 public:
  using Follower = std::function<bool(const std::string& line)>;  // false: it has gone

  static constexpr std::size_t kMaxBytes =
      4U << 20;  // then the file becomes log.1, and the old log.1 goes

  EventLog(std::string file, std::string role) : file_(std::move(file)), role_(std::move(role)) {}

  // `who` speaks ("home 4711"); the overload without it is the agent itself.
  void add(const std::string& who, const std::string& text);
  void add(const std::string& text) { add(role_, text); }
  void follow(Follower follower) { followers_.push_back(std::move(follower)); }
  void also_to_stderr() { to_stderr_ = true; }
  [[nodiscard]] const std::string& file() const { return file_; }

 private:
  void append(const std::string& line);

  std::string file_;
  std::string role_;
  bool to_stderr_ = false;
  std::list<Follower> followers_;
};

// The last `count` lines of the file.
[[nodiscard]] Result<std::vector<std::string>> last_lines(const std::string& file,
                                                          std::size_t count);

}  // namespace llrun::agent
