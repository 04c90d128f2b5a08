// The agent's rows as JSON objects for scripts, with the schema's version.
#pragma once

#include <string>

#include "supervisor/protocol/control.pb.h"

namespace llrun::ctl {

// One line without its end. Names are those of the messages.
[[nodiscard]] std::string json_of(const protocol::ProcessReport& report);
[[nodiscard]] std::string json_of(const protocol::Load& load, bool self);
[[nodiscard]] std::string json_of(const protocol::Pin& pin, int pid);
[[nodiscard]] std::string json_of_line(const std::string& line);

}  // namespace llrun::ctl
