// Mapped files: whether the names of what a process has mapped still lead to it, and how else it is
// had.
//
// Names are looked up by a thread of its own, which may be kept waiting by a filesystem that does
// not answer; the caller is not.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/ids.h"
#include "base/result.h"
#include "imagefmt/image.pb.h"
#include "tracer/objects/pins.h"
#include "tracer/procfs/smaps.h"

namespace llrun::tracer {

enum class NameLeads : std::uint8_t {
  kToIt,       // and it can be opened
  kElsewhere,  // it has been deleted, renamed or replaced
  kNotIn,      // it may be there, but it cannot be opened: errno_value says why
  kNoAnswer,   // its filesystem does not answer
};

struct FileName {
  std::string path;
  std::uint64_t device = 0;  // as /proc/PID/maps has them
  std::uint64_t inode = 0;
  friend auto operator<=>(const FileName&, const FileName&) = default;
};
struct Standing {
  NameLeads leads = NameLeads::kNoAnswer;
  int errno_value = 0;
};

// Waits a second at the most in all.
[[nodiscard]] std::map<FileName, Standing> look_up(const std::vector<FileName>& names);
// The distinct files among `entries`.
[[nodiscard]] std::vector<FileName> names_in(const std::vector<MapEntry>& entries);
// What keeps the process here: the files that it has mapped and that cannot be opened any more.
[[nodiscard]] Pins pins_of_names(const std::map<FileName, Standing>& standings);

// A descriptor of a file that no name leads to any more: by the link to the running program, or by
// what the process has open (`duplicates`, ours). None: nobody else has it but the mapping.
[[nodiscard]] std::optional<Fd> nameless_file(HostPid pid, const image::Mapping& mapping,
                                              std::span<const Fd> duplicates);
// The program's own file, if its name does not lead to it.
[[nodiscard]] std::optional<Fd> nameless_executable(HostPid pid, const std::string& path);

}  // namespace llrun::tracer
