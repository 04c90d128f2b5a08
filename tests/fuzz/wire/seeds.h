// Well-formed streams to start from.
#pragma once

#include <string>
#include <vector>

[[nodiscard]] std::vector<std::string> seed_streams();
