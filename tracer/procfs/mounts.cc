#include "tracer/procfs/mounts.h"

#include <linux/magic.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/fd.h"
#include "tracer/procfs/text.h"

namespace llrun::tracer {
namespace {

constexpr long kConfigfsMagic = 0x62656570;  // fs/configfs/mount.c
constexpr long kMqueueMagic = 0x19800202;    // ipc/mqueue.c
constexpr long kFusectlMagic = 0x65735543;   // fs/fuse/control.c

// By the names under which they are mounted (file_system_type.name).
constexpr std::array kMagics = {std::pair{std::string_view("proc"), long{PROC_SUPER_MAGIC}},
                                std::pair{std::string_view("sysfs"), long{SYSFS_MAGIC}},
                                std::pair{std::string_view("cgroup"), long{CGROUP_SUPER_MAGIC}},
                                std::pair{std::string_view("cgroup2"), long{CGROUP2_SUPER_MAGIC}},
                                std::pair{std::string_view("debugfs"), long{DEBUGFS_MAGIC}},
                                std::pair{std::string_view("tracefs"), long{TRACEFS_MAGIC}},
                                std::pair{std::string_view("securityfs"), long{SECURITYFS_MAGIC}},
                                std::pair{std::string_view("bpf"), long{BPF_FS_MAGIC}},
                                std::pair{std::string_view("nsfs"), long{NSFS_MAGIC}},
                                std::pair{std::string_view("efivarfs"), long{EFIVARFS_MAGIC}},
                                std::pair{std::string_view("pstore"), long{PSTOREFS_MAGIC}},
                                std::pair{std::string_view("binfmt_misc"), long{BINFMTFS_MAGIC}},
                                std::pair{std::string_view("selinuxfs"), long{SELINUX_MAGIC}},
                                std::pair{std::string_view("smackfs"), long{SMACK_MAGIC}},
                                std::pair{std::string_view("devpts"), long{DEVPTS_SUPER_MAGIC}},
                                std::pair{std::string_view("hugetlbfs"), long{HUGETLBFS_MAGIC}},
                                std::pair{std::string_view("configfs"), kConfigfsMagic},
                                std::pair{std::string_view("mqueue"), kMqueueMagic},
                                std::pair{std::string_view("fusectl"), kFusectlMagic}};

}  // namespace

// "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw": what is optional ends with the
// hyphen.
MountTypes parse_mount_types(std::string_view text) {
  MountTypes types;
  for (const auto line : split_lines(text)) {
    const auto words = split_words(line);
    const auto id = words.empty() ? std::nullopt : parse_number<std::uint64_t>(words.front());
    const auto hyphen = std::ranges::find(words, std::string_view("-"));
    if (id && hyphen != words.end() && hyphen + 1 != words.end())
      types.emplace(*id, std::string(*(hyphen + 1)));
  }
  return types;
}

MountTypes read_mount_types(HostPid pid) {
  const auto text = read_whole_file("/proc/" + std::to_string(pid.value) + "/mountinfo");
  return text ? parse_mount_types(*text) : MountTypes{};
}

long filesystem_magic(std::string_view type) {
  const auto* found =
      std::ranges::find(kMagics, type, [](const auto& entry) { return entry.first; });
  return found == kMagics.end() ? 0 : found->second;
}

}  // namespace llrun::tracer
