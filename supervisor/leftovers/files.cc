#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <sstream>

#include "base/fd.h"
#include "supervisor/config/paths.h"
#include "supervisor/control/client.h"
#include "supervisor/leftovers/leftovers.h"
#include "supervisor/leftovers/part_file.h"
#include "supervisor/load/cgroup.h"

namespace llrun::leftovers {
namespace {

std::vector<std::string> names_in(const std::string& path) {
  std::vector<std::string> names;
  DIR* directory = ::opendir(path.c_str());
  if (directory == nullptr) return names;
  while (const dirent* entry = ::readdir(directory)) names.emplace_back(entry->d_name);
  ::closedir(directory);
  std::ranges::sort(names);
  return names;
}

bool is_mine(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && status.st_uid == ::getuid();
}

Result<> remove_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return system_error("remove " + path);
  return {};
}

// A socket that refuses connections belongs to an agent that has ended without removing it, and so
// do the loads beside it. The switches stay: the next agent reads them.
void add_sockets(const std::string& directory, std::set<std::string>& agents,
                 std::vector<Leftover>& found) {
  for (const auto& name : names_in(directory)) {
    const auto path = directory + "/" + name;
    if (!name.ends_with(".sock") || !is_mine(path)) continue;
    const auto node = name.substr(0, name.size() - 5);
    if (const auto socket = control::connect_to(path)) {
      agents.insert(node);
      continue;
    }
    found.push_back({"socket", path + " is the socket of an agent that has gone",
                     [path, directory, node]() -> Result<> {
                       if (control::connect_to(path)) return {};  // somebody has taken it meanwhile
                       LLRUN_TRY(remove_file(directory + "/" + node + ".loads"));
                       return remove_file(path);
                     }});
  }
}

void add_groups(const std::string& own, const std::set<std::string>& agents,
                std::vector<Leftover>& found) {
  constexpr std::string_view kPrefix = "llrun-guests-";
  if (own.empty()) return;
  for (const auto& name : names_in(own)) {
    const auto path = own + "/" + name;
    if (!name.starts_with(kPrefix) || !is_mine(path) ||
        agents.contains(name.substr(kPrefix.size())))
      continue;
    // Guests outlive their agent.
    const auto members = read_whole_file(path + "/cgroup.procs");
    if (!members || !members->empty()) continue;
    found.push_back({"cgroup", path + " is the empty control group of an agent that has gone",
                     [path]() -> Result<> {
                       if (::rmdir(path.c_str()) != 0) return system_error("remove " + path);
                       return {};
                     }});
  }
}

void add_all_groups(const std::set<std::string>& agents, std::vector<Leftover>& found) {
  const auto files = load::find_group(read_whole_file("/proc/self/cgroup").value_or(""),
                                      read_whole_file("/proc/self/mountinfo").value_or(""), "cpu");
  if (files.version1) add_groups(files.version1->root + files.version1->group, agents, found);
  if (files.version2) add_groups(files.version2->root + files.version2->group, agents, found);
}

// File views belong into worlds, whose mounts nobody else sees.
void add_mounts(std::vector<Leftover>& found) {
  std::istringstream lines(read_whole_file("/proc/self/mountinfo").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    if (line.find(" - fuse.llrun ") == std::string::npos) continue;
    std::istringstream words(line);
    std::string point;
    for (int i = 0; i < 5; ++i) words >> point;
    found.push_back({"mount", point + " is a file view outside of a world", [point]() -> Result<> {
                       if (::umount2(point.c_str(), MNT_DETACH) == 0) return {};
                       return failure(ErrorCode::kRefused, "unmount " + point +
                                                               ": fusermount3 -uz " + point +
                                                               " by whoever mounted it");
                     }});
  }
}

void add_half_images(const std::string& directory, std::vector<Leftover>& found) {
  for (const auto& name : names_in(directory)) {
    const auto path = directory + "/" + name;
    if (!name.ends_with(kPartSuffix) || !is_mine(path) || is_being_written(path)) continue;
    found.push_back({"image", path + " was never finished", [path]() -> Result<> {
                       if (is_being_written(path)) return {};
                       return remove_file(path);
                     }});
  }
}

}  // namespace

bool is_being_written(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  return file.valid() && ::flock(file.get(), LOCK_SH | LOCK_NB) != 0;
}

std::vector<Leftover> of_files() {
  std::vector<Leftover> found;
  std::set<std::string> agents;
  if (const auto directories = config::runtime_directories())
    for (const auto& directory : *directories) add_sockets(directory, agents, found);
  add_all_groups(agents, found);
  add_mounts(found);
  if (const auto directory = config::state_directory()) {
    add_half_images(*directory, found);
    add_half_images(*directory + "/images", found);
  }
  add_half_images(".", found);
  return found;
}

}  // namespace llrun::leftovers
