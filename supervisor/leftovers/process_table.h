// ProcessTable: this user's processes, as far as leftovers are told from living jobs by them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace llrun::leftovers {

struct Process {
  int pid = 0, parent = 0, tracer = 0;
  std::uint64_t started = 0;  // /proc/PID/stat, field 22: tells two of one number apart
  char state = '?';
  std::string name;                  // comm
  std::string executable;            // last component; empty: cannot be seen
  std::uint64_t user_namespace = 0;  // 0: cannot be seen
  std::string view;                  // device of its file view ("0:52"); empty: it has none
  bool only_stub = false;            // its memory is that of a shadow
};

using ProcessTable = std::map<int, Process>;
[[nodiscard]] ProcessTable read_processes();

struct Verdict {
  int pid = 0;
  std::string kind, what;
};
// Pure: which of them nobody cares for.
//
// A shadow without a supervisor: only the stub's page is mapped, and nobody traces it. A guest
// without a home: it sees the file view of a world whose warden has gone, or is no longer the child
// of a supervisor; and that warden, that world's init and its placeholders.
[[nodiscard]] std::vector<Verdict> judge(const ProcessTable& table);

}  // namespace llrun::leftovers
