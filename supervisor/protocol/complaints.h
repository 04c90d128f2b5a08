// libprotobuf writes to stderr what it cannot parse, which is what another node sent and may be a
// running program's terminal: into the log with it.
#pragma once

#include <google/protobuf/stubs/logging.h>

#include <string>

namespace llrun {

// `Into` is a plain function, as libprotobuf wants it; nullptr drops what it says.
inline void protobuf_complains_to(void (*into)(const std::string& words)) {
  static void (*sink)(const std::string&) = nullptr;
  sink = into;
  google::protobuf::SetLogHandler(
      [](google::protobuf::LogLevel, const char*, int, const std::string& words) {
        if (sink != nullptr) sink("libprotobuf: " + words);
      });
}

}  // namespace llrun
