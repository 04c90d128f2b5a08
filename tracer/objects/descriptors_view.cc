#include "tracer/objects/descriptors_view.h"

#include <fcntl.h>

#include "tracer/procfs/fd_table.h"

namespace llrun::tracer {
namespace {

Pin unknown_kind(const DescriptorView& view) {
  return {view.name() + " is " + view.link + ", a kind that is not carried yet",
          "it can move once the program has closed it"};
}

// States of a description that hold whatever it is.
std::optional<Pin> judge_state(const DescriptorView& view) {
  const std::string thing = view.name() + " (" + view.link + ")";
  if ((view.info.flags & O_PATH) != 0)
    return Pin{thing + " was opened as a mere place in the file tree (O_PATH)",
               "it can move once the program has closed it"};
  // Before O_ASYNC, which a lease switches on.
  if (!view.info.locks.empty())
    return Pin{thing + " holds a lock or lease: " + view.info.locks.front(),
               "it can move once the program has given the lock up"};
  if ((view.info.flags & O_ASYNC) != 0)
    return Pin{thing + " sends signals when it is ready (O_ASYNC)",
               "it can move once the program has switched that off or closed it"};
  return std::nullopt;
}

bool is_pipe_link(const DescriptorView& view) {
  return view.link.starts_with("pipe:[") || view.has_path();
}

}  // namespace

int DescriptorView::access() const { return info.flags & O_ACCMODE; }

Result<DescriptorView> look_at(HostPid pid, int fd, std::string link, const MountTypes& mounts) {
  DescriptorView view;
  view.fd = fd;
  view.link = std::move(link);
  LLRUN_TRY_ASSIGN(view.about, stat_fd(pid, fd));
  LLRUN_TRY_ASSIGN(view.info, read_fdinfo(pid, fd));
  const auto mount = mounts.find(view.info.mount_id);
  view.is_mounted = mount != mounts.end();
  if (view.is_mounted) view.filesystem = filesystem_magic(mount->second);
  return view;
}

image::Description describe(const DescriptorView& view, image::Description::Kind kind) {
  image::Description record;
  record.set_kind(kind);
  record.set_flags(view.info.flags);
  record.set_path(view.link);
  record.set_device(view.about.st_dev);
  record.set_inode(view.about.st_ino);
  record.set_offset(view.info.position);
  record.set_representative_fd(view.fd);
  return record;
}

Verdict judge(const DescriptorView& view) {
  if (auto pin = judge_state(view)) return *pin;
  const mode_t type = view.about.st_mode & S_IFMT;
  if (type == S_IFSOCK) return describe_socket(view);
  if (type == S_IFIFO && is_pipe_link(view)) return judge_pipe(view);
  if (view.link.starts_with("anon_inode:")) return judge_event_source(view);
  if (!view.has_path()) return unknown_kind(view);
  if (type == S_IFREG) return judge_file(view);
  if (type == S_IFDIR) return judge_directory(view);
  if (type == S_IFCHR) return judge_character_device(view);
  if (type == S_IFBLK)
    return Pin{view.name() + " is the device " + view.link,
               "a program with a disk open stays: "
               "it can move once the program has closed it"};
  return unknown_kind(view);
}

}  // namespace llrun::tracer
