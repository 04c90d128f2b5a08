// Small conveniences of the file view's tests, usable in a guest: nothing here asserts.
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>

namespace llrun::homefs::testing {

inline std::string slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline void spit(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

// What the command prints and its wait status, which is 0 for success.
inline std::string run_command(const std::string& command) {
  FILE* pipe = ::popen(("{ " + command + "; } 2>&1").c_str(), "r");
  std::string output;
  char buffer[4096];
  while (pipe != nullptr && std::fgets(buffer, sizeof buffer, pipe) != nullptr) output += buffer;
  const int status = pipe == nullptr ? -1 : ::pclose(pipe);
  return fmt::format("{}{}", output, status);
}

// "3", or the name of the error: what a call came to.
inline std::string outcome(long result) {
  return result >= 0 ? std::to_string(result) : ::strerrorname_np(errno);
}

inline std::string read_some(int fd, std::size_t count) {
  std::string text(count, 0);
  const auto got = ::read(fd, text.data(), count);
  if (got < 0) return std::string("!") + ::strerrorname_np(errno);
  text.resize(static_cast<std::size_t>(got));
  return text;
}

inline long write_text(int fd, const std::string& text) {
  return ::write(fd, text.data(), text.size());
}

inline std::string link_of(int fd) {
  char target[4096];
  const auto count = ::readlink(fmt::format("/proc/self/fd/{}", fd).c_str(), target, sizeof target);
  return count < 0 ? "" : std::string(target, static_cast<std::size_t>(count));
}

}  // namespace llrun::homefs::testing

// In a guest: return what was seen instead of what was wanted.
#define WANT(seen, wanted)                                                                         \
  do {                                                                                             \
    const std::string llrun_seen = (seen), llrun_wanted = (wanted);                                \
    if (llrun_seen != llrun_wanted)                                                                \
      return fmt::format("line {}: \"{}\" instead of \"{}\"", __LINE__, llrun_seen, llrun_wanted); \
  } while (false)
