// The build-id of an ELF file: two programs that have the same are the same, wherever they lie.
#pragma once

#include <string>

namespace llrun::history {

// Lower-case hexadecimal; empty when the file is no ELF file, has none, or may not be read.
[[nodiscard]] std::string build_id_of(const std::string& file);

}  // namespace llrun::history
