#include "supervisor/load/users.h"

#include <dirent.h>
#include <pwd.h>
#include <sys/stat.h>
#include <utmpx.h>

#include <cstring>
#include <vector>

namespace llrun::load {
namespace {

std::vector<std::string> pseudo_terminals() {
  std::vector<std::string> found;
  DIR* directory = ::opendir("/dev/pts");
  if (directory == nullptr) return found;
  while (const dirent* entry = ::readdir(directory))
    if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9')
      found.push_back(std::string("/dev/pts/") + entry->d_name);
  ::closedir(directory);
  return found;
}

template <std::size_t size>
std::string text_in(const char (&field)[size]) {
  return {field, ::strnlen(field, size)};
}

// ":0" and the like are displays.
void add_graphical(std::set<uid_t>& users, const std::string& name) {
  if (const passwd* user = ::getpwnam(name.c_str())) users.insert(user->pw_uid);
}

}  // namespace

std::set<uid_t> active_owners(std::span<const std::string> terminals, time_t now) {
  std::set<uid_t> owners;
  for (const auto& terminal : terminals) {
    struct stat status {};
    if (::stat(terminal.c_str(), &status) != 0) continue;
    const auto idle = std::chrono::seconds(now - status.st_atim.tv_sec);
    if (idle <= kActiveFor) owners.insert(status.st_uid);
  }
  return owners;
}

std::uint32_t active_users(time_t now) {
  auto terminals = pseudo_terminals();
  std::set<uid_t> graphical;
  ::setutxent();
  while (const utmpx* entry = ::getutxent()) {
    if (entry->ut_type != USER_PROCESS) continue;
    const auto line = text_in(entry->ut_line);
    if (line.starts_with(':')) {
      add_graphical(graphical, text_in(entry->ut_user));
    } else if (!line.starts_with("pts/")) {
      terminals.push_back("/dev/" + line);
    }
  }
  ::endutxent();
  auto users = active_owners(terminals, now);
  users.merge(graphical);
  return static_cast<std::uint32_t>(users.size());
}

}  // namespace llrun::load
