// docs/calls.md: the call table for people.
#pragma once

#include <string>

namespace llrun {

[[nodiscard]] std::string call_document();  // Markdown

}  // namespace llrun
