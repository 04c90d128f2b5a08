#include "supervisor/home/strays.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/claim.h"
#include "base/fd.h"
#include "base/tree_mark.h"
#include "supervisor/home/children.h"
#include "tracer/procfs/directory.h"

namespace llrun {
namespace {

bool is_ours(HostPid pid) {
  struct stat status {};
  return ::stat(("/proc/" + std::to_string(pid.value)).c_str(), &status) == 0 &&
         status.st_uid == ::geteuid();
}

}  // namespace

Strays::Strays(HostPid program, bool stays, bool marked_anyway)
    : mark_(tree_mark::kUnderLlrun | (stays ? tree_mark::kStays : 0)),
      marked_anyway_(marked_anyway),
      started_(process_start(program)) {
  // Gone already: this supervisor was made just before the program, or after what it attached to.
  if (started_ == started_.zero()) started_ = process_start(HostPid{::getpid()});
  judged_.insert(program.value);
  if (auto lineage = tracer::read_lineage(program)) of_program_ = std::move(*lineage);
}

// As long as nothing new has been made on this machine, only those that were left are worth a look:
// many supervisors look, and mostly in vain.
std::vector<HostPid> Strays::candidates() {
  auto last_made = read_whole_file("/proc/sys/kernel/ns_last_pid").value_or("");
  if (!last_made.empty() && last_made == last_made_) return std::exchange(left_, {});
  auto processes = tracer::list_processes();
  if (!processes) return std::exchange(left_, {});
  last_made_ = std::move(last_made);
  left_.clear();
  // Process ids are given again: what is not there any more is forgotten.
  std::set<int> still_judged;
  for (const HostPid pid : *processes)
    if (judged_.contains(pid.value)) still_judged.insert(pid.value);
  judged_ = std::move(still_judged);
  std::erase_if(*processes, [this](HostPid pid) { return judged_.contains(pid.value); });
  return std::move(*processes);
}

std::vector<HostPid> Strays::look() {
  some_are_young_ = false;
  std::vector<HostPid> found;
  for (const HostPid pid : candidates()) {
    const auto verdict = judge(pid);
    some_are_young_ = some_are_young_ || verdict == Verdict::kYoung;
    if (verdict == Verdict::kPerhapsLater || verdict == Verdict::kYoung)
      left_.push_back(pid);
    else
      judged_.insert(pid.value);
    if (verdict == Verdict::kStray) found.push_back(pid);
  }
  return found;
}

// A marked parent is under llrun itself, and its supervisor sees its children; or it is about to be
// found as this one is. A claim that somebody has is the end of the matter, too.
Strays::Verdict Strays::judge(HostPid pid) const {
  if (!is_ours(pid)) return Verdict::kNever;
  const auto lineage = tracer::read_lineage(pid);
  if (!lineage || tree_mark::read(pid.value) != mark_ || process_start(pid) < started_)
    return Verdict::kNever;
  const bool related = of_program_ && (lineage->session == of_program_->session ||
                                       lineage->group == of_program_->group);
  if (marked_anyway_ && !related) return Verdict::kNever;
  if (tree_mark::read(lineage->parent.value) != 0) return Verdict::kPerhapsLater;
  if (claim::holder(pid.value) >= 0) return Verdict::kNever;
  const auto age = process_age(pid);
  if (age >= (ended_ || related ? kOwn : kAnyones)) return Verdict::kStray;
  return Verdict::kYoung;
}

}  // namespace llrun
