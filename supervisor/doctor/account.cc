#include <fmt/format.h>
#include <pwd.h>
#include <sys/resource.h>
#include <sys/timex.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>

#include "base/fd.h"
#include "supervisor/config/paths.h"
#include "supervisor/doctor/node.h"
#include "supervisor/world/id_map.h"

namespace llrun::doctor {
namespace {

constexpr std::uint32_t kAllIds = 65536;
constexpr rlim_t kManyFiles = 1024;
constexpr long kNetworkFileSystems[] = {0x6969 /* NFS */, 0x517b /* SMB */, 0xff534d42L /* CIFS */,
                                        0x0bd00bd0L /* Lustre */};

std::string user_name() {
  const passwd* user = ::getpwuid(::getuid());
  return user == nullptr ? std::to_string(::getuid()) : user->pw_name;
}

bool found_in_path(const char* program) {
  for (const auto* directory : {"/usr/bin/", "/bin/", "/usr/sbin/"})
    if (::access((std::string(directory) + program).c_str(), X_OK) == 0) return true;
  return false;
}

Finding subordinate_ids() {
  return judge_subordinate_ids(user_name(), ::getuid(), read_whole_file("/etc/subuid").value_or(""),
                               read_whole_file("/etc/subgid").value_or(""),
                               found_in_path("newuidmap") && found_in_path("newgidmap"));
}

Finding runtime_directory() {
  const auto directories = config::runtime_directories();
  if (!directories)
    return missing("run-time directory", directories.error().message(), "the agent cannot start",
                   "make it yours alone, mode 0700");
  const auto& best = directories->front();
  if (best.starts_with("/tmp/"))
    return note("run-time directory", best,
                "there is no /run/user/" + std::to_string(::getuid()) +
                    ": what cleans /tmp may remove the switches that were set by hand",
                "loginctl enable-linger " + user_name());
  return ok("run-time directory", best);
}

Finding state_directory() {
  const auto directory = config::state_directory();
  if (!directory)
    return missing("state directory", directory.error().message(), "the agent cannot start",
                   "set XDG_STATE_HOME to a directory of yours");
  struct statfs status {};
  if (::statfs(directory->c_str(), &status) == 0)
    for (const long kind : kNetworkFileSystems)
      if (static_cast<long>(status.f_type) == kind)
        return note("state directory", *directory + " is on a network file system",
                    "the history of programs may be damaged when two nodes write it",
                    "set XDG_STATE_HOME to a local directory");
  return ok("state directory", *directory);
}

Finding linger() {
  if (::access("/run/systemd/system", F_OK) != 0) return ok("logout", "nothing ends processes");
  if (::access(("/var/lib/systemd/linger/" + user_name()).c_str(), F_OK) == 0)
    return ok("logout", "lingering is enabled");
  return note("logout", "systemd may end the user's processes when the last session closes",
              "guests and agents may end with it", "loginctl enable-linger " + user_name());
}

Finding open_files() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const auto said = limit.rlim_max == RLIM_INFINITY ? "no limit" : std::to_string(limit.rlim_max);
  if (limit.rlim_max >= kManyFiles) return ok("open files", said);
  return note("open files", said, "programs with many files may not move here",
              "nofile in /etc/security/limits.conf, or ulimit -Hn");
}

Finding clock() {
  timex state{};
  const int answer = ::adjtimex(&state);
  if (answer >= 0 && (state.status & STA_UNSYNC) == 0) return ok("clock", "synchronised");
  return note("clock", "not known to be synchronised",
              "peers whose clocks differ by more than a second are refused",
              "timedatectl set-ntp true");
}

}  // namespace

Finding judge_subordinate_ids(const std::string& user, unsigned uid, const std::string& subuid,
                              const std::string& subgid, bool has_newuidmap) {
  const auto enough = [&](const std::string& text) {
    std::uint32_t count = 0;
    for (const auto& range : world::parse_subordinate(text, user, uid)) count += range.count;
    return count >= kAllIds;
  };
  const std::string lost = "guests see files of other users as nobody's";
  if (!has_newuidmap)
    return note("subordinate ids", "newuidmap and newgidmap are not installed", lost,
                "install the package uidmap");
  if (enough(subuid) && enough(subgid)) return ok("subordinate ids", "all users can be mapped");
  return note(
      "subordinate ids", "fewer than 65536 in /etc/subuid or /etc/subgid", lost,
      fmt::format("usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {}", user));
}

std::vector<Finding> examine_account() {
  return {subordinate_ids(), runtime_directory(), state_directory(),
          linger(),          open_files(),        clock()};
}

}  // namespace llrun::doctor
