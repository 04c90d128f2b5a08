// The log: one line an event, to a file, and to stderr only where the user asked for it (-v).
//
// Nothing is ever written on a running program's terminal unasked. Every line carries the time, the
// role
// ("agent", "home 4711", "guest 4711") and the text.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace llrun::log {

struct Options {
  std::string role;        // who speaks
  std::string file;        // appended to; empty: no file
  bool to_stderr = false;  // -v
};

// Set up this process's log. Once, before any thread is started.
[[nodiscard]] Result<> open(const Options& options);
// Nothing more is written: for programs that provoke complaints without end.
void be_silent();

// From the least important to the most; the log shows what is at least kInfo.
enum class Level { kDebug, kInfo, kWarn, kError };
[[nodiscard]] bool shows(Level level);
void write(Level level, std::string_view text);

// debug("{} of {}", done, all), and so on, as fmt::format.
template <Level level, typename... Args>
void write_formatted(fmt::format_string<Args...> format, Args&&... args) {
  if (shows(level)) write(level, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  write_formatted<Level::kDebug>(format, std::forward<Args>(args)...);
}
template <typename... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  write_formatted<Level::kInfo>(format, std::forward<Args>(args)...);
}
template <typename... Args>
void warn(fmt::format_string<Args...> format, Args&&... args) {
  write_formatted<Level::kWarn>(format, std::forward<Args>(args)...);
}
template <typename... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  write_formatted<Level::kError>(format, std::forward<Args>(args)...);
}

}  // namespace llrun::log
