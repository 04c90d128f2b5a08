#include "base/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <vector>

namespace llrun::log {
namespace {

spdlog::level::level_enum in_their_words(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarn:
      return spdlog::level::warn;
    case Level::kError:
      break;
  }
  return spdlog::level::err;
}

}  // namespace

Result<> open(const Options& options) {
  std::vector<spdlog::sink_ptr> sinks;
  try {
    if (!options.file.empty())
      sinks.push_back(std::make_shared<spdlog::sinks::basic_file_sink_mt>(options.file));
  } catch (const spdlog::spdlog_ex& problem) {
    return failure(ErrorCode::kSystem, "open the log " + options.file + ": " + problem.what());
  }
  if (options.to_stderr) sinks.push_back(std::make_shared<spdlog::sinks::stderr_sink_mt>());
  auto logger = std::make_shared<spdlog::logger>(options.role, sinks.begin(), sinks.end());
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e %n: %v");
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
  return {};
}

void be_silent() { spdlog::set_level(spdlog::level::off); }

bool shows(Level level) { return spdlog::default_logger_raw()->should_log(in_their_words(level)); }

void write(Level level, std::string_view text) {
  spdlog::log(in_their_words(level), spdlog::string_view_t(text.data(), text.size()));
}

}  // namespace llrun::log
