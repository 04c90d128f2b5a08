#include <linux/magic.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "base/unasked.h"
#include "tracer/objects/descriptors_view.h"

namespace llrun::tracer {
namespace {

constexpr std::string_view kDeleted = " (deleted)";
constexpr long kConfigfsMagic = 0x62656570;  // fs/configfs/mount.c
constexpr long kMqueueMagic = 0x19800202;    // ipc/mqueue.c
constexpr long kFusectlMagic = 0x65735543;   // fs/fuse/control.c

// Filesystems whose files are this kernel's or this process's own state: the same path shows
// something else, or nothing, on another node.
constexpr std::array kOfThisKernel = {
    std::pair{long{PROC_SUPER_MAGIC}, "the process filesystem"},
    std::pair{long{SYSFS_MAGIC}, "sysfs"},
    std::pair{long{CGROUP_SUPER_MAGIC}, "the cgroup filesystem"},
    std::pair{long{CGROUP2_SUPER_MAGIC}, "the cgroup filesystem"},
    std::pair{long{DEBUGFS_MAGIC}, "debugfs"},
    std::pair{long{TRACEFS_MAGIC}, "tracefs"},
    std::pair{long{SECURITYFS_MAGIC}, "securityfs"},
    std::pair{long{BPF_FS_MAGIC}, "the BPF filesystem"},
    std::pair{long{NSFS_MAGIC}, "a namespace"},
    std::pair{long{EFIVARFS_MAGIC}, "the firmware's variables"},
    std::pair{long{PSTOREFS_MAGIC}, "pstore"},
    std::pair{long{BINFMTFS_MAGIC}, "the list of binary formats"},
    std::pair{long{SELINUX_MAGIC}, "selinuxfs"},
    std::pair{long{SMACK_MAGIC}, "smackfs"},
    std::pair{long{DEVPTS_SUPER_MAGIC}, "the terminals' filesystem"},
    std::pair{long{HUGETLBFS_MAGIC}, "huge pages"},
    std::pair{kConfigfsMagic, "configfs"},
    std::pair{kMqueueMagic, "message queues"},
    std::pair{kFusectlMagic, "the FUSE control filesystem"}};

std::optional<Pin> special_filesystem(const DescriptorView& view) {
  const auto* found = std::ranges::find(kOfThisKernel, view.filesystem,
                                        [](const auto& entry) { return entry.first; });
  if (found == kOfThisKernel.end()) return std::nullopt;
  return Pin{
      view.name() + " is " + view.link + ", in " + found->second + ", which is of this node alone",
      "it can move once the program has closed it"};
}

// "x (deleted)" may be the name of a file: only a path that does not lead to it makes it unlinked.
// One that was renamed away under us, or hidden by a mount, counts as unlinked, too: the path
// cannot open it. Whether it does is asked of the kernel's cache alone, which has the names of
// files that are open: the program may stand still meanwhile, and a server need not answer. Where
// that does not say, and of files of another tree, the kernel's word is believed.
void set_path(const DescriptorView& view, image::Description& record) {
  const auto named = view.names_are_ours ? leads_to(view.link, view.about) : std::nullopt;
  if (named.value_or(!view.link.ends_with(kDeleted))) return;
  record.set_unlinked(true);
  if (view.link.ends_with(kDeleted))
    record.set_path(view.link.substr(0, view.link.size() - kDeleted.size()));
}

// A world has a /dev of its own, which lies over home's: what is open there cannot be opened by its
// name, and a directory has only one.
std::optional<Pin> hidden_in_a_world(const DescriptorView& view) {
  const bool hidden =
      view.link == "/dev" || (view.link.starts_with("/dev/") && view.link != "/dev/shm" &&
                              !view.link.starts_with("/dev/shm/"));
  if (!view.names_are_ours || !hidden) return std::nullopt;
  return Pin{view.name() + " is " + view.link + ", and another node has a /dev of its own",
             "it can move once the program has closed it"};
}

// What mq_open(3) gives is a file of a mount that is in nobody's list: named right below its root,
// and as long as what reading it shows (FILENT_SIZE, ipc/mqueue.c). A server is not asked.
bool is_message_queue(const DescriptorView& view) {
  constexpr off_t kLengthOfAQueue = 80;
  return view.names_are_ours && !view.is_mounted && view.about.st_size == kLengthOfAQueue &&
         view.link.rfind('/') == 0;
}

}  // namespace

Verdict judge_file(const DescriptorView& view) {
  if (auto pin = special_filesystem(view)) return *pin;
  if (is_message_queue(view))
    return Pin{view.name() + " is the message queue " + view.link,
               "it can move once the program has closed it (mq_close)"};
  if (auto pin = hidden_in_a_world(view)) return *pin;
  image::Description record = describe(view, image::Description::KIND_FILE);
  set_path(view, record);
  if (record.unlinked() && view.link.starts_with("/secretmem"))
    return Pin{view.name() + " is memory that only its own process may read (memfd_secret)",
               "it can move once the program has closed it"};
  if (record.unlinked() && view.link.starts_with("/memfd:"))
    return Pin{view.name() + " is a memory file (" + record.path().substr(1) + ")",
               "it can move once the program has closed it"};
  return record;
}

Verdict judge_directory(const DescriptorView& view) {
  if (auto pin = special_filesystem(view)) return *pin;
  if (auto pin = hidden_in_a_world(view)) return *pin;
  image::Description record = describe(view, image::Description::KIND_DIRECTORY);
  set_path(view, record);
  // Home has a guest's directory open, whatever has become of its name.
  if (record.unlinked() && view.names_are_ours)
    return Pin{view.name() + " is a directory that has been removed or renamed: " + view.link,
               "it can move once the program has closed it"};
  return record;
}

}  // namespace llrun::tracer
