#include "supervisor/home/level_list.h"

#include <fnmatch.h>

#include <algorithm>
#include <array>

namespace llrun {

bool is_shell(std::string_view program) {
  constexpr auto kShells = std::to_array<std::string_view>(
      {"sh", "bash", "dash", "zsh", "fish", "ksh", "mksh", "csh", "tcsh", "ash", "busybox"});
  if (program.starts_with('-')) program.remove_prefix(1);  // a login shell
  return std::ranges::find(kShells, program) != kShells.end();
}

bool is_listed(std::span<const std::string> list, const ProgramNames& names) {
  constexpr std::size_t kNameBytes = 15;  // TASK_COMM_LEN, less the final zero
  const auto fits = [](const std::string& entry, const std::string& name) {
    return ::fnmatch(entry.c_str(), name.c_str(), FNM_PATHNAME) == 0;
  };
  return std::ranges::any_of(list, [&](const std::string& entry) {
    if (entry.find('/') != std::string::npos) return fits(entry, names.executable);
    return fits(entry, names.program) || fits(entry.substr(0, kNameBytes), names.name);
  });
}

}  // namespace llrun
