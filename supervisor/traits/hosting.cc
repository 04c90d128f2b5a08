#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <ctime>

#include "netproxy/homefs/file_view_mount.h"
#include "supervisor/traits/traits.h"
#include "supervisor/world/world.h"

namespace llrun {
namespace {

// User notification with ADDFD, pidfd_getfd, close_range, time namespaces, rseq over ptrace: all
// there from 5.14.
Result<> check_kernel() {
  utsname names{};
  int major = 0, minor = 0;
  if (::uname(&names) != 0 || std::sscanf(names.release, "%d.%d", &major, &minor) != 2)
    return system_error("ask for the kernel's release");
  if (major > 5 || (major == 5 && minor >= 14)) return {};
  return failure(ErrorCode::kUnsupported, std::string("its kernel is ") + names.release +
                                              ", guests need Linux 5.14 or later");
}

Result<std::vector<Fd>> mount_unserved_view(const std::string& mountpoint) {
  auto device = homefs::open_fuse_device();
  if (!device) {
    const int problem = device.error().errno_value;
    return failure(
        ErrorCode::kUnsupported,
        device.error().message() +
            (problem == EACCES ? " (chmod 0666 /dev/fuse, as the package fuse3 sets it, would "
                                 "allow it)"
                               : " (modprobe fuse, by the node's owner, may help)"));
  }
  LLRUN_TRY(homefs::mount_in_world(*device, mountpoint, {::getuid(), ::getgid(), false}));
  std::vector<Fd> devices;
  devices.push_back(std::move(*device));
  return devices;
}

protocol::MakeWorld world_like_this() {
  protocol::MakeWorld make;
  make.set_uid(::getuid());
  make.set_gid(::getgid());
  make.set_host_name("probe");
  make.set_pid(2);
  return make;
}

Result<> try_a_world() {
  LLRUN_TRY(check_kernel());
  WorldOptions options;
  options.mount_view = mount_unserved_view;
  LLRUN_TRY_ASSIGN(const auto world, World::create(world_like_this(), std::move(options)));
  return world->destroy();
}

}  // namespace

void probe_hosting(protocol::NodeTraits& traits) {
  const auto tried = try_a_world();
  traits.set_hosts_guests(tried.has_value());
  traits.set_hosts_guests_why_not(tried ? "" : tried.error().message());
}

}  // namespace llrun
