#include "netproxy/homefs/file_view_mount.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fuse.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "netproxy/homefs/frame.h"

namespace llrun::homefs {

Result<Fd> open_fuse_device() { return open_file("/dev/fuse", O_RDWR | O_NONBLOCK); }

Result<ViewDevices> open_view(const std::string& mountpoint, const MountOptions& options) {
  ViewDevices devices;
  LLRUN_TRY_ASSIGN(devices.requests, open_fuse_device());
  LLRUN_TRY(mount_in_world(devices.requests, mountpoint, options));
  LLRUN_TRY_ASSIGN(devices.notices, open_fuse_device());
  auto number = static_cast<std::uint32_t>(devices.requests.get());
  if (::ioctl(devices.notices.get(), FUSE_DEV_IOC_CLONE, &number) != 0)
    return system_error("clone the connection of the file view");
  return devices;
}

Result<> mount_in_world(const Fd& fuse_device, const std::string& mountpoint,
                        const MountOptions& options) {
  const auto text =
      fmt::format("fd={},rootmode=40000,user_id={},group_id={},max_read={}{}", fuse_device.get(),
                  options.uid, options.gid, kMaxData, options.allow_other ? ",allow_other" : "");
  if (::mount("home", mountpoint.c_str(), "fuse.llrun", MS_NOSUID | MS_NODEV, text.c_str()) != 0)
    return system_error("mount the file view on " + mountpoint);
  return {};
}

Result<> await_home(const std::string& mountpoint) {
  struct stat attributes;
  if (::stat(mountpoint.c_str(), &attributes) != 0)
    return system_error("see home's files on " + mountpoint);
  return {};
}

Result<DescriptionAnswer> describe(int fd) {
  DescriptionAnswer answer{};
  if (::ioctl(fd, kIocDescription, &answer) == 0) return answer;
  if (errno == ENOTTY)
    return failure(ErrorCode::kUnsupported, "a descriptor that is not of the file view");
  return system_error("ask for the home description of a descriptor");
}

Result<Fd> open_armed(const ArmedOpen& armed) {
  constexpr int kNotAgain = O_CREAT | O_EXCL | O_TRUNC | O_NOFOLLOW | O_NOCTTY;
  LLRUN_TRY_ASSIGN(Fd fd, open_file(armed.path, armed.flags & ~kNotAgain));
  LLRUN_TRY_ASSIGN(const auto answer, describe(fd.get()));
  if (answer.id != armed.id)
    return failure(ErrorCode::kProtocol, "another file of that name was known: " + armed.path);
  const off_t position = answer.home_offset != 0 ? kHomeOffsetBase : armed.offset;
  if (::lseek(fd.get(), position, SEEK_SET) < 0) return system_error("lseek " + armed.path);
  return fd;
}

}  // namespace llrun::homefs
