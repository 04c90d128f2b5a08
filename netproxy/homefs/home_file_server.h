// HomeFileServer: home's file tree for one world, answered with the user's own rights.
//
// A guest's root is a FUSE filesystem mounted on the peer. The peer relays the kernel's frames over
// a channel (fuse_relay.h); here libfuse's low-level interface answers them from the tree at
// `Options::root`. There is no file protocol of our own: a frame is what the peer's kernel wrote.
//
// Every permission is checked by home's kernel, since this process runs as the user. Frames come
// from another node and are checked at the door (frame_check.h); what the peer may reach is what
// the user may.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "netproxy/homefs/description_ioctl.h"
#include "netproxy/homefs/file_uses.h"
#include "netproxy/homefs/frame.h"
#include "netproxy/homefs/kept_back.h"

namespace llrun::homefs {

// Whose ids the world's user namespace maps: it decides what owners may be reported. The kernel
// lets nobody write to, or create in, what belongs to an id it cannot map (fs/namei.c:
// inode_permission).
enum class Owners : std::uint8_t {
  kTrue,      // all ids are mapped: owners and groups are reported as they are
  kSingleId,  // only one user and one group are: they stand in for the owners of what the user may
              // change
};

class HomeFileServer {
 public:
  struct Options {
    std::string root = "/";
    unsigned workers = 4;
    // Of threads in all: while those that are there wait for a filesystem that does not answer,
    // others are made. A guest has a request a thread under way, and its kernel some in the
    // background.
    unsigned most_workers = 512;
    // How long the peer's kernel may believe what it was told. Changes made at home by others are
    // seen after at most this long; by a guest that opens the file: at once.
    std::chrono::milliseconds attribute_timeout{1000};
    std::chrono::milliseconds entry_timeout{1000};
    std::chrono::milliseconds negative_timeout{0};  // for names that do not exist
    Owners owners = Owners::kSingleId;
    uid_t uid = static_cast<uid_t>(-1);  // the mapped ids with kSingleId; -1: this process's own
    gid_t gid = static_cast<gid_t>(-1);
    // Files of which the peer's kernel may know at once before it is asked to let go of old ones:
    // each costs a descriptor here. 0: half of RLIMIT_NOFILE, which the server raises as far as it
    // may.
    std::size_t known_files = 0;
    std::uint64_t token = 0;  // whatever tells this server from others in DescriptionAnswer
    // What the peer does not get. Null: it gets whatever the user does.
    std::shared_ptr<const KeptBack> kept_back = {};
    std::shared_ptr<FileUses> uses =
        {};  // where opens, reads and writes are counted; null: nowhere
  };
  // Called from the server's own threads, several at a time. They may not wait for the guest.
  struct Events {
    std::function<void(Frame)>
        send;  // a reply or notification for the peer; keep the order of calls
    // The last guest descriptor of `id` has closed. The server has closed its own already.
    std::function<void(DescriptionId id)> on_release = {};
    // Whether there is room for more replies; while there is none, requests wait. Asked with a lock
    // of the server's held, so it may not call the server.
    std::function<bool()> has_room = {};
  };
  // What a guest's reads and writes start from.
  enum class Offset : std::uint8_t {
    kGuest,  // the guest's own offset, as of any file: set by the peer with lseek(2) after the open
    kHome,   // the offset of home's description, which is shared with processes outside the job
  };

  [[nodiscard]] static Result<std::unique_ptr<HomeFileServer>> start(Options options,
                                                                     Events events);
  // Stops the threads after the requests under way; what is queued is dropped. A thread that waits
  // for a filesystem that does not answer is left to itself. No event comes after.
  ~HomeFileServer();
  HomeFileServer(const HomeFileServer&) = delete;
  HomeFileServer& operator=(const HomeFileServer&) = delete;

  // A frame from the peer. Never blocks. kProtocol: the frame is none that a kernel writes, or far
  // more are waiting than a kernel sends: the peer is not to be trusted further.
  [[nodiscard]] Result<> submit(Frame request);
  // There may be room for replies again (Events::has_room).
  void look_for_room();
  // Requests queued or being answered.
  [[nodiscard]] std::size_t pending() const;

  // Take over a duplicate of a home description that the program arrives with. Regular files and
  // directories only (kUnsupported else).
  [[nodiscard]] Result<DescriptionId> add_description(Fd description, Offset offset);
  // Arm `id`, once: the next lookup of `path` finds the file of the description, also when it has
  // been unlinked or renamed and the path now gives another file or none; the next open of that
  // file *is* the description instead of a new one (the right to open it anew may have been given
  // up). Returns the path for the peer to open in the world: `path`, or, where its directory is
  // gone, a name in the root that exists only for this.
  //
  // The peer opens it with the description's access mode and status flags, without O_CREAT, O_EXCL,
  // O_TRUNC; asks kIocDescription, since its kernel may have had the name in its cache; and, if the
  // answer is another id, closes it, arms again with an empty path and opens what that returns. A
  // file that has no such name any more shows as "(deleted)" after the open, as at home.
  [[nodiscard]] Result<std::string> arm(DescriptionId id, const std::string& path);
  // The same on one of the server's threads, since it looks at files; `then` runs there.
  void arm(DescriptionId id, const std::string& path,
           std::function<void(const Result<std::string>&)> then);
  // Run `at_files`, which may wait for a file, on one of the server's threads, and what it returns
  // after it, unless the server is gone by then. Never blocks.
  void look(std::function<std::function<void()>()> at_files);
  // A duplicate of home's description behind `id`: an added one, or one that the guest has opened
  // itself.
  [[nodiscard]] Result<Fd> description_of(DescriptionId id) const;
  // The same of a file by its inode number, which the guest's kernel shows as home's: for what the
  // guest has mapped and no name need lead to any more. `path`: how the guest knows it, which
  // decides if two filesystems have that number. kGone: the guest has no such file open.
  [[nodiscard]] Result<Fd> description_of_file(ino_t number, const std::string& path) const;
  // Forget an added description that no guest has opened. No event.
  void drop_description(DescriptionId id);

  class Impl;  // the parts behind this interface

 private:
  explicit HomeFileServer(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace llrun::homefs
