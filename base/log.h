// The log: one line an event, to a file, and to stderr only where the user asked for it (-v).
//
// Nothing is ever written on a running program's terminal unasked. Every line carries the time, the
// role
// ("agent", "home 4711", "guest 4711") and the text.
#pragma once

#include <spdlog/spdlog.h>

#include <string>

#include "base/result.h"

namespace llrun::log {

struct Options {
  std::string role;        // who speaks
  std::string file;        // appended to; empty: no file
  bool to_stderr = false;  // -v
};

// Set up this process's log. Once, before any thread is started.
[[nodiscard]] Result<> open(const Options& options);

using spdlog::debug;
using spdlog::error;
using spdlog::info;
using spdlog::warn;

}  // namespace llrun::log
