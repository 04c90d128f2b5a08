// The load-level list: which programs take part when a shell under llrun starts them.
//
// What somebody starts with llrun takes part, and so do its children. A shell is different: it
// starts whatever one types. Where llrun.conf has a list, a shell's children take part only when
// they are on it; those that are not may start programs that are; and children of a program on the
// list inherit.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace llrun {

[[nodiscard]] bool is_shell(std::string_view program);

struct ProgramNames {
  std::string program;     // last component of its first word
  std::string name;        // as the kernel has it: a script's own, at most 15 bytes
  std::string executable;  // its file
};
// An entry with a slash is a file's path, where * stands for anything but a slash; another is a
// program's name.
[[nodiscard]] bool is_listed(std::span<const std::string> list, const ProgramNames& names);

}  // namespace llrun
