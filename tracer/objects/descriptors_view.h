// DescriptorView: what can be seen of one descriptor from outside; and the judgement on it.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>
#include <variant>

#include "base/ids.h"
#include "base/result.h"
#include "imagefmt/image.pb.h"
#include "tracer/objects/pins.h"
#include "tracer/procfs/fdinfo.h"
#include "tracer/procfs/mounts.h"

namespace llrun::tracer {

struct DescriptorView {
  int fd = -1;
  std::string link;      // readlink /proc/PID/fd/N
  struct stat about {};  // of the file behind it
  FdInfo info;
  bool is_mounted = false;  // on a mount that the process has in its list
  long filesystem = 0;      // as statfs would say in f_type, of those that pin; else 0
  // False: the process lives in another tree, where a path of ours leads elsewhere. Its names are
  // not looked up, they are only read.
  bool names_are_ours = true;

  [[nodiscard]] std::string name() const { return "fd " + std::to_string(fd); }
  [[nodiscard]] int access() const;  // O_RDONLY, O_WRONLY, O_RDWR
  [[nodiscard]] bool has_path() const { return link.starts_with('/'); }
};

// Never opens or duplicates it. EBADF or ENOENT: it has been closed.
// Waits for no filesystem: `mounts` says of which kind they are.
[[nodiscard]] Result<DescriptorView> look_at(HostPid pid, int fd, std::string link,
                                             const MountTypes& mounts);

// A record, or the reason why there is none.
using Verdict = std::variant<image::Description, Pin>;

// One kind of kernel object each; `judge` asks the one whose it is. What depends on other processes
// or other descriptors (sharing, inner pipes, what an epoll instance watches) is judged afterwards.
[[nodiscard]] Verdict judge(const DescriptorView& view);
[[nodiscard]] Verdict judge_file(const DescriptorView& view);              // files.cc
[[nodiscard]] Verdict judge_directory(const DescriptorView& view);         // files.cc
[[nodiscard]] Verdict judge_character_device(const DescriptorView& view);  // terminals.cc
[[nodiscard]] Verdict judge_pipe(const DescriptorView& view);              // pipes.cc
[[nodiscard]] Verdict judge_event_source(const DescriptorView& view);      // events.cc
[[nodiscard]] Pin describe_socket(const DescriptorView& view);             // descriptors_sockets.cc

// What holds a program at home that has this terminal. A guest comes home whatever has become of
// it.
[[nodiscard]] std::optional<Pin> terminal_pin(const image::Description& record);  // terminals.cc
// The same of the terminal that it stands for, whatever its name ("/dev/tty"), and which that is:
// only a duplicate tells.
[[nodiscard]] std::optional<Pin> name_terminal(int duplicate,
                                               image::Description& record);  // terminals.cc

// The fields that every kind has.
[[nodiscard]] image::Description describe(const DescriptorView& view,
                                          image::Description::Kind kind);

}  // namespace llrun::tracer
