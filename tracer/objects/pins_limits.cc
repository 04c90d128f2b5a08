// Limits that leave no room for a move.
#include <sys/resource.h>

#include <array>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "tracer/objects/pins_parts.h"
#include "tracer/procfs/fd_table.h"
#include "tracer/procfs/text.h"
#include "tracer/remote/remote_arena.h"

namespace llrun::tracer {
namespace {

// For what is put into a process, and taken out of it: a socket pair at one moment, and a file.
constexpr rlim_t kSpare = 3;

// "VmSize:\t   12345 kB"
rlim_t bytes_of(std::string_view status, std::string_view key) {
  const auto words = split_words(value_of(status, key).value_or(""));
  return words.empty() ? 0 : parse_number<rlim_t>(words.front()).value_or(0) * 1024;
}

// A soft limit of no data at all is the hard one to the kernel (mm/mmap.c, may_expand_vm).
rlim_t in_force(__rlimit_resource resource, const rlimit& limit) {
  return resource == RLIMIT_DATA && limit.rlim_cur == 0 ? limit.rlim_max : limit.rlim_cur;
}

// The stub's mapping counts as the program's. No limit of it is raised for that: what is changed
// would stay changed if we were killed.
void add_memory_limit_pin(HostPid pid, Pins& pins) {
  const auto status =
      read_whole_file("/proc/" + std::to_string(pid.value) + "/status").value_or("");
  struct Question {
    __rlimit_resource resource;
    const char* key;
    const char* name;
    const char* option;
  };
  constexpr std::array kQuestions{Question{RLIMIT_AS, "VmSize", "address space", "-v"},
                                  Question{RLIMIT_DATA, "VmData", "data size", "-d"}};
  for (const auto& question : kQuestions) {
    rlimit limit{};
    if (::prlimit(pid.value, question.resource, nullptr, &limit) != 0) continue;
    const rlim_t most = in_force(question.resource, limit);
    if (most == RLIM_INFINITY) continue;
    if (bytes_of(status, question.key) + StubPage::kSize <= most) continue;
    pins.push_back({std::string("it has as much memory as its limit of ") + question.name +
                        " allows (" + std::to_string(most >> 10) + " KiB)",
                    std::string("start it with a higher limit (ulimit ") + question.option +
                        "); it can move once it has given some back"});
  }
}

}  // namespace

void add_limit_pins(HostPid pid, Pins& pins) {
  add_memory_limit_pin(pid, pins);
  rlimit limit{};
  const auto open = list_fds(pid);
  if (!open || ::prlimit(pid.value, RLIMIT_NOFILE, nullptr, &limit) != 0) return;
  if (!open->empty() && static_cast<rlim_t>(open->back()) >= limit.rlim_max)
    pins.push_back({"its descriptor " + std::to_string(open->back()) +
                        " is beyond its hard limit of open files (" +
                        std::to_string(limit.rlim_max) + ")",
                    "it can move once the program has closed it"});
  else if (open->size() + kSpare > limit.rlim_max)
    pins.push_back(
        {"it has " + std::to_string(open->size()) +
             " open files, all that its hard limit "
             "allows",
         "start it with a higher limit (ulimit -Hn); it can move once it has closed some"});
}

}  // namespace llrun::tracer
