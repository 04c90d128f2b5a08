// Mounting the file view on a peer, and the peer's side of descriptors that a program arrives with.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "netproxy/homefs/description_ioctl.h"

namespace llrun::homefs {

// Open /dev/fuse, nonblocking. To be called *inside* the world's user namespace: the kernel refuses
// (EINVAL) to mount with a descriptor opened in another one (fs/fuse/inode.c: fuse_fill_super).
[[nodiscard]] Result<Fd> open_fuse_device();

// The connection of a mounted view. The relay outside gets them by SCM_RIGHTS; the world itself
// closes its copies, so that ending the relay ends the connection.
struct ViewDevices {
  Fd requests;  // requests come from here, and go back to it
  Fd notices;   // a clone (FUSE_DEV_IOC_CLONE): requests do not depend on its being closed
};
// Mounts as below, with `requests`, and clones it: a clone must be opened in the same user
// namespace (before Linux 6.1).
struct MountOptions;
[[nodiscard]] Result<ViewDevices> open_view(const std::string& mountpoint,
                                            const MountOptions& options);

struct MountOptions {
  uid_t uid = 0;  // as the caller's user namespace names the guest's user and group
  gid_t gid = 0;
  // Without it only processes with exactly these ids may use the mount: all guests, and the
  // supervisor of the same user outside the world, which needs it for kIocDescription. With it
  // everybody inside the world's user namespace may, whatever their ids, and nobody outside.
  bool allow_other = false;
};

// Mount on `mountpoint`, inside the world's user and mount namespace. Returns at once; the first
// access waits until home has answered FUSE_INIT, so the relay must run by then. The file view has
// no devices and honours no set-id bits.
[[nodiscard]] Result<> mount_in_world(const Fd& fuse_device, const std::string& mountpoint,
                                      const MountOptions& options);

// The first access to a fresh mount: waits until home has answered, and fetches the attributes of
// its root, which until then belongs to nobody, so that the kernel would let nobody create anything
// in it.
[[nodiscard]] Result<> await_home(const std::string& mountpoint);

// Which home description a descriptor in the world is. `fd` may be a duplicate (pidfd_getfd).
// kUnsupported: not of a file view.
[[nodiscard]] Result<DescriptionAnswer> describe(int fd);

// What HomeFileServer::arm asks of the peer: open `path`, see that it is `id`, set the position
// (kHomeOffsetBase when the offset is kept at home, else `offset`). kProtocol: the kernel had
// another file of that name in its cache; arm again with an empty path.
struct ArmedOpen {
  std::string path;
  DescriptionId id = 0;
  int flags = 0;  // F_GETFL at home
  off_t offset = 0;
};
[[nodiscard]] Result<Fd> open_armed(const ArmedOpen& armed);

}  // namespace llrun::homefs
