#include "tracer/objects/sharing.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "tracer/objects/kcmp.h"
#include "tracer/procfs/directory.h"
#include "tracer/procfs/fd_table.h"
#include "tracer/procfs/fdinfo.h"
#include "tracer/procfs/lineage.h"

namespace llrun::tracer {
namespace {

bool may_not_look(const Error& error) {
  return error.errno_value == EACCES || error.errno_value == EPERM;
}

std::string name_of(HostPid pid) {
  const auto lineage = read_lineage(pid);
  return lineage ? lineage->name : "?";
}

// All processes but the one asked about, the job's and ourselves.
Result<std::vector<HostPid>> list_outsiders(HostPid pid, const std::vector<HostPid>& job) {
  LLRUN_TRY_ASSIGN(std::vector<HostPid> pids, list_processes());
  std::erase_if(pids, [&](HostPid other) {
    return other == pid || other.value == ::getpid() || std::ranges::count(job, other) > 0;
  });
  return pids;
}

bool same_pipe(const SharedQuestion& question, HostPid other, const FdLink& link) {
  if (!question.pipe) return false;
  if (!link.text.starts_with('/')) return link.text == question.link;  // "pipe:[inode]"
  const auto about = stat_fd(other, link.fd);
  return about && about->st_dev == question.device && about->st_ino == question.inode;
}

// What `other` holds of the file asked about through one of its descriptors, if anything.
std::optional<Holder> find_holder(HostPid pid, const SharedQuestion& question, HostPid other,
                                  const FdLink& link) {
  bool same = false;
  if (link.text == question.link) {
    const auto order = compare_files(pid, question.fd, other, link.fd);
    same = order ? *order == Order::kEqual : may_not_look(order.error());  // the safe side
  }
  if (!same && !same_pipe(question, other, link)) return std::nullopt;
  const auto info = read_fdinfo(other, link.fd);
  const int access = info ? info->flags & O_ACCMODE : O_RDWR;
  return Holder{other, name_of(other), same, access != O_WRONLY, access != O_RDONLY};
}

bool has_fifo(const std::vector<SharedQuestion>& questions) {
  return std::ranges::any_of(questions,
                             [](const auto& q) { return q.pipe && q.link.starts_with('/'); });
}

// A cheap look first: kcmp and fdinfo only for links that could be it.
bool worth_asking(const SharedQuestion& question, const FdLink& link, bool fifos) {
  return link.text == question.link || (fifos && question.pipe && link.text.starts_with('/'));
}

void collect_holders(HostPid pid, const std::vector<SharedQuestion>& questions, HostPid other,
                     const std::vector<FdLink>& links, Sharing& sharing) {
  const bool fifos = has_fifo(questions);
  for (const FdLink& link : links)
    for (const SharedQuestion& question : questions) {
      if (!worth_asking(question, link, fifos)) continue;
      if (auto holder = find_holder(pid, question, other, link))
        sharing.holders[question.fd].push_back(std::move(*holder));
    }
}

// Who descends from whom, each process read once: most have their ancestors in common, and this is
// done while the program is frozen.
class Family {
 public:
  const std::optional<Lineage>& of(HostPid pid) {
    const auto known = lineages_.find(pid);
    if (known != lineages_.end()) return known->second;
    auto lineage = read_lineage(pid);
    return lineages_[pid] = lineage ? std::optional(std::move(*lineage)) : std::nullopt;
  }
  bool is_zombie(HostPid pid) {
    const auto& lineage = of(pid);
    return !lineage || lineage->state == 'Z' || lineage->state == 'X';
  }

 private:
  std::map<HostPid, std::optional<Lineage>> lineages_;
};

// Whether a process that cannot be looked into may have come to our descriptors by descent: it is
// in the process group of `us`, or some ancestor of it is, or is `us` itself. Bounded: ids do not
// make cycles, but races might.
bool could_have_inherited(Family& family, HostPid other, HostPid us, HostPid group) {
  constexpr int kMostAncestors = 64;
  for (int i = 0; i < kMostAncestors && other.value > 1; ++i) {
    if (other == us) return true;
    const auto& lineage = family.of(other);
    if (!lineage) return false;
    if (lineage->group == group) return true;
    other = lineage->parent;
  }
  return false;
}

bool is_zombie(HostPid pid) {
  const auto lineage = read_lineage(pid);
  return !lineage || lineage->state == 'Z' || lineage->state == 'X';
}

constexpr struct {
  TaskObject object;
  const char* words;
} kTaskObjects[] = {{TaskObject::kMemory, "its memory"},
                    {TaskObject::kFileTable, "its descriptor table"},
                    {TaskObject::kWorkingDirectory, "its working directory and umask"},
                    {TaskObject::kSignalActions, "its signal actions"}};

std::string join_words(const std::vector<std::string>& words) {
  std::string joined;
  for (const auto& word : words) joined += (joined.empty() ? "" : ", ") + word;
  return joined;
}

std::optional<Pin> shared_task_pin(HostPid pid, HostPid other) {
  std::vector<std::string> shared;
  for (const auto& [object, words] : kTaskObjects) {
    // Signal actions are shared only together with memory (clone(2), CLONE_SIGHAND).
    if (object == TaskObject::kSignalActions && shared.empty()) break;
    const auto same = share(object, pid.value, other.value);
    if (!same) break;  // it is gone, or not to be looked into: the other objects neither
    if (*same) shared.emplace_back(words);
  }
  if (shared.empty()) return std::nullopt;
  return Pin{"it shares " + join_words(shared) + " with process " + std::to_string(other.value) +
                 " (" + name_of(other) + ")",
             "it can move once that process has ended or started another program"};
}

std::optional<Pin> unshared_thread_pin(HostPid pid, HostTid tid) {
  for (const auto& [object, words] :
       {kTaskObjects[1], kTaskObjects[2]}) {  // the others cannot be taken apart within a process
    const auto same = share(object, pid.value, tid.value);
    if (!same || *same || is_zombie(HostPid{tid.value})) continue;
    const std::string noun =
        object == TaskObject::kFileTable ? "descriptor table" : "working directory";
    return Pin{"its thread " + std::to_string(tid.value) + " has a " + noun + " of its own",
               "it can move once that thread has ended"};
  }
  return std::nullopt;
}

}  // namespace

Result<Sharing> find_sharing(HostPid pid, const std::vector<SharedQuestion>& questions,
                             const std::vector<HostPid>& job) {
  Sharing sharing;
  Family family;
  LLRUN_TRY_ASSIGN(const Lineage us, read_lineage(pid));
  LLRUN_TRY_ASSIGN(const std::vector<HostPid> outsiders, list_outsiders(pid, job));
  for (const HostPid other : outsiders) {
    const auto links = read_fd_links(other);
    if (links) {
      collect_holders(pid, questions, other, *links, sharing);
    } else if (may_not_look(links.error()) && !family.is_zombie(other) &&
               could_have_inherited(family, other, pid, us.group)) {
      sharing.strangers.push_back({other, name_of(other), true, true, true});
    }
  }
  return sharing;
}

Result<Pins> sharing_pins(HostPid pid, const std::vector<HostPid>& job) {
  Pins pins;
  LLRUN_TRY_ASSIGN(const std::vector<HostPid> outsiders, list_outsiders(pid, job));
  for (const HostPid other : outsiders)
    if (auto pin = shared_task_pin(pid, other)) pins.push_back(std::move(*pin));
  LLRUN_TRY_ASSIGN(const std::vector<HostTid> tids, list_threads(pid));
  for (const HostTid tid : tids)
    if (tid.value != pid.value)
      if (auto pin = unshared_thread_pin(pid, tid)) pins.push_back(std::move(*pin));
  return pins;
}

}  // namespace llrun::tracer
