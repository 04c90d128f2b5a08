// Who a process is, and what confines it.
#include <elf.h>
#include <sys/personality.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/fd.h"
#include "tracer/objects/pins_parts.h"
#include "tracer/procfs/namespaces.h"
#include "tracer/procfs/text.h"

namespace llrun::tracer {
namespace {

template <std::size_t N>
bool all_equal(const std::array<std::uint32_t, N>& ids, std::uint32_t wanted) {
  return std::ranges::all_of(ids, [&](std::uint32_t id) { return id == wanted; });
}

std::vector<std::uint32_t> our_groups() {
  const int count = ::getgroups(0, nullptr);
  std::vector<gid_t> groups(static_cast<std::size_t>(std::max(count, 0)));
  if (::getgroups(count, groups.data()) < 0) groups.clear();
  std::ranges::sort(groups);
  return groups;
}

bool same_groups(std::vector<std::uint32_t> groups) {
  std::ranges::sort(groups);
  return groups == our_groups();
}

const char* words_for(const std::string& kind) {
  if (kind == "mnt") return "mount namespace (it sees another file tree)";
  if (kind == "pid") return "pid namespace";
  if (kind == "net") return "network namespace";
  if (kind == "user") return "user namespace";
  if (kind == "ipc") return "IPC namespace";
  if (kind == "uts") return "UTS namespace (it has another host name)";
  if (kind == "time") return "time namespace";
  return "namespace for its children";
}

// As its kernel has told it: its file may be on a filesystem that does not answer. The vector of a
// 32-bit program has words of half the size (fs/binfmt_elf.c, create_elf_tables).
std::optional<Pin> word_size_pin(HostPid pid) {
  const auto vector = read_whole_file("/proc/" + std::to_string(pid.value) + "/auxv");
  if (!vector || vector->empty()) return std::nullopt;
  for (std::size_t at = 0; at + sizeof(Elf64_auxv_t) <= vector->size();
       at += sizeof(Elf64_auxv_t)) {
    Elf64_auxv_t entry{};
    std::memcpy(&entry, vector->data() + at, sizeof entry);
    if (entry.a_type == AT_PHENT && entry.a_un.a_val == sizeof(Elf64_Phdr)) return std::nullopt;
  }
  return Pin{"it is a 32-bit program", "only 64-bit programs can move"};
}

std::optional<Pin> personality_pin(HostPid pid) {
  const auto text = read_whole_file("/proc/" + std::to_string(pid.value) + "/personality");
  if (!text) return std::nullopt;
  const auto flags = parse_number<unsigned>(trim(*text), 16).value_or(0);
  if ((flags & ~static_cast<unsigned>(ADDR_NO_RANDOMIZE)) == 0) return std::nullopt;
  return Pin{
      "it runs with an unusual personality (" + std::string(trim(*text)) + ", personality(2))",
      "start it without setarch or the like"};
}

}  // namespace

void add_identity_pins(const Credentials& it, Pins& pins) {
  if (!all_equal(it.uids, ::geteuid()))
    pins.push_back({"it runs as another user, or as several at once (set-id)",
                    "programs with another user's rights never move"});
  if (!all_equal(it.gids, ::getegid()))
    pins.push_back({"it runs with another group, or with several at once (set-id)",
                    "programs with another group's rights never move"});
  if (!same_groups(it.groups))
    pins.push_back({"its supplementary groups differ from those of llrun",
                    "start it and llrun from the same login"});
  if (it.permitted_capabilities != 0 || it.effective_capabilities != 0)
    pins.push_back(
        {"it has capabilities (root's rights or a part of them)", "run it as an ordinary user"});
}

// A filter that everything here has, ourselves included, came with the container or the login, and
// the peer has its own.
void add_confinement_pins(const Credentials& it, Pins& pins) {
  const auto ours = read_credentials(HostPid{::getpid()});
  const bool inherited =
      ours && it.seccomp == ours->seccomp && it.seccomp_filters == ours->seccomp_filters;
  if (it.seccomp != 0 && !inherited)
    pins.push_back({it.seccomp == 1 ? "it is in strict seccomp mode" : "it has a seccomp filter",
                    "a filter cannot be taken along: start it without its sandbox"});
  if (it.shadow_stack)
    pins.push_back(
        {"it uses shadow stacks", "start it without GLIBC_TUNABLES=glibc.cpu.x86_shstk"});
}

void add_world_pins(HostPid pid, Pins& pins) {
  const auto theirs = read_namespaces(pid);
  const auto ours = read_namespaces(HostPid{::getpid()});
  if (!theirs || !ours) return;
  // A new pid namespace has no name before its first process: missing is different, too.
  for (const auto& [kind, id] : *ours)
    if (const auto other = theirs->find(kind); other == theirs->end() || other->second != id)
      pins.push_back({std::string("it lives in another ") + words_for(kind),
                      "use llrun inside the container or sandbox itself"});
  if (const auto same = has_our_root(pid); same && !*same)
    pins.push_back({"it has another root directory (chroot)", "use llrun inside that root"});
}

void add_program_pins(HostPid pid, Pins& pins) {
  if (auto pin = word_size_pin(pid)) pins.push_back(std::move(*pin));
  if (auto pin = personality_pin(pid)) pins.push_back(std::move(*pin));
}

}  // namespace llrun::tracer
