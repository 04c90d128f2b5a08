#include "tracer/objects/mapped_files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "base/thread.h"
#include "tracer/objects/mapping_pins.h"
#include "tracer/remote/remote_memory.h"

namespace llrun::tracer {
namespace {

constexpr std::chrono::seconds kPatience{1};

std::string proc(HostPid pid, const std::string& file) {
  return "/proc/" + std::to_string(pid.value) + "/" + file;
}

// Some filesystems (btrfs, overlayfs) show another device in stat than in maps: map it and look.
bool maps_as(int fd, std::uint64_t device, std::uint64_t inode) {
  void* const at = ::mmap(nullptr, kPageSize, PROT_READ, MAP_PRIVATE, fd, 0);
  if (at == MAP_FAILED) return false;
  const auto address = reinterpret_cast<std::uint64_t>(at);
  const auto maps = parse_maps(read_whole_file("/proc/self/maps").value_or(""));
  ::munmap(at, kPageSize);
  return maps && std::ranges::any_of(*maps, [&](const auto& ours) {
           return ours.start <= address && address < ours.end && ours.device == device &&
                  ours.inode == inode;
         });
}

bool is_absence(int problem) {
  return problem == ENOENT || problem == ENOTDIR || problem == ELOOP || problem == ENAMETOOLONG;
}

// O_NONBLOCK: what was a file may be a FIFO by now.
Standing look_up_now(const FileName& name) {
  struct stat status {};
  if (::stat(name.path.c_str(), &status) != 0)
    return {is_absence(errno) ? NameLeads::kElsewhere : NameLeads::kNotIn, errno};
  if (status.st_ino != name.inode) return {NameLeads::kElsewhere};
  if (!S_ISREG(status.st_mode))  // a device such as /dev/zero: opening it might do something
    return {status.st_dev == name.device ? NameLeads::kToIt : NameLeads::kElsewhere};
  const Fd file(::open(name.path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file.valid()) {
    if (status.st_dev != name.device) return {NameLeads::kElsewhere};
    return {is_absence(errno) ? NameLeads::kElsewhere : NameLeads::kNotIn, errno};
  }
  const bool same = status.st_dev == name.device || maps_as(file.get(), name.device, name.inode);
  return {same ? NameLeads::kToIt : NameLeads::kElsewhere};
}

// What a thread that looks names up has found so far. It outlives who asked.
struct Inquiry {
  std::mutex mutex;
  std::condition_variable changed;
  std::map<FileName, Standing> found;
  bool over = false;
};

// Names that a thread waits for, over all inquiries: none is asked for twice at once, or a
// filesystem that hangs would collect a thread a second.
class Unanswered {
 public:
  bool begin(const FileName& name) {
    const std::lock_guard lock(mutex_);
    return names_.insert(name).second;
  }
  void end(const FileName& name) {
    const std::lock_guard lock(mutex_);
    names_.erase(name);
  }

 private:
  std::mutex mutex_;
  std::set<FileName> names_;
};

Unanswered& unanswered() {
  static auto* const it = new Unanswered;  // never destroyed: a thread may be using it at the end
  return *it;
}

void inquire(const std::shared_ptr<Inquiry>& inquiry, const std::vector<FileName>& names) {
  for (const auto& name : names) {
    if (!unanswered().begin(name)) continue;
    const Standing standing = look_up_now(name);
    unanswered().end(name);
    const std::lock_guard lock(inquiry->mutex);
    inquiry->found[name] = standing;
  }
  const std::lock_guard lock(inquiry->mutex);
  inquiry->over = true;
  inquiry->changed.notify_all();
}

// Open it anew, since what the process has may be for both ways.
std::optional<Fd> reopened(const std::string& link, std::uint64_t device, std::uint64_t inode) {
  struct stat status {};
  if (::stat(link.c_str(), &status) != 0 || status.st_ino != inode || !S_ISREG(status.st_mode))
    return std::nullopt;
  Fd file(::open(link.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file.valid() || !maps_as(file.get(), device, inode)) return std::nullopt;
  ::fcntl(file.get(), F_SETFL, 0);
  return file;
}

}  // namespace

std::map<FileName, Standing> look_up(const std::vector<FileName>& names) {
  auto inquiry = std::make_shared<Inquiry>();
  auto thread = make_thread([inquiry, names] { inquire(inquiry, names); });
  if (thread) thread->detach();
  std::unique_lock lock(inquiry->mutex);
  if (!thread) inquiry->over = true;
  inquiry->changed.wait_for(lock, kPatience, [&] { return inquiry->over; });
  auto found = inquiry->found;
  for (const auto& name : names) found.try_emplace(name, Standing{});
  return found;
}

std::vector<FileName> names_in(const std::vector<MapEntry>& entries) {
  std::set<FileName> names;
  for (const auto& entry : entries)
    if (is_file(entry)) names.insert({entry.name, entry.device, entry.inode});
  return {names.begin(), names.end()};
}

Pins pins_of_names(const std::map<FileName, Standing>& standings) {
  Pins pins;
  for (const auto& [name, standing] : standings) {
    if (standing.leads == NameLeads::kNoAnswer)
      pins.push_back({"it has the file " + name.path + " mapped, whose filesystem does not answer",
                      "it can move once that filesystem answers again"});
    if (standing.leads != NameLeads::kNotIn) continue;
    const bool rights = standing.errno_value == EACCES || standing.errno_value == EPERM;
    pins.push_back({"it has the file " + name.path + " mapped, which cannot be opened any more: " +
                        std::strerror(standing.errno_value),
                    rights ? "let it be read again: chmod u+r " + name.path
                           : "it can move once the file's filesystem is there again"});
  }
  return pins;
}

std::optional<Fd> nameless_file(HostPid pid, const image::Mapping& mapping,
                                std::span<const Fd> duplicates) {
  if (auto file = reopened(proc(pid, "exe"), mapping.device(), mapping.inode())) return file;
  for (const Fd& duplicate : duplicates)
    if (auto file = reopened("/proc/self/fd/" + std::to_string(duplicate.get()), mapping.device(),
                             mapping.inode()))
      return file;
  return std::nullopt;
}

std::optional<Fd> nameless_executable(HostPid pid, const std::string& path) {
  struct stat own {};
  struct stat named {};
  if (::stat(proc(pid, "exe").c_str(), &own) != 0) return std::nullopt;
  if (::stat(path.c_str(), &named) == 0 && named.st_dev == own.st_dev && named.st_ino == own.st_ino)
    return std::nullopt;
  Fd file(::open(proc(pid, "exe").c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return std::nullopt;
  return file;
}

}  // namespace llrun::tracer
