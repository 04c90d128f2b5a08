// The text of an INI file as (key, value, line): "guests.max" for key max in section [guests].
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace llrun::config {

struct Setting {
  std::string key;
  std::string value;
  int line = 0;  // from 1
};

// In the order of the file. `file` is for messages only. kInvalid names it and the line.
[[nodiscard]] Result<std::vector<Setting>> parse_ini(const std::string& file,
                                                     const std::string& text);

}  // namespace llrun::config
