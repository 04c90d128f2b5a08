// The table of keys: one row a key, for files, environment and options alike.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "supervisor/config/config.h"

namespace llrun::config {

struct Key {
  std::string_view name;  // "guests.max": key max in [guests]; "nodes.*": any key there
  Result<> (*set)(Config& config, std::string_view rest,
                  const std::string& value);  // rest: what * stands for
};

// Letters, digits, - _ . and at most 64 of them: a node's name is a part of file names.
[[nodiscard]] bool is_node_name(std::string_view name);

[[nodiscard]] std::span<const Key> keys();
[[nodiscard]] const Key* find_key(std::string_view name);
// kInvalid for an unknown key or a value of the wrong kind; the words do not say where it stood.
[[nodiscard]] Result<> set_key(Config& config, const std::string& name, const std::string& value);

}  // namespace llrun::config
