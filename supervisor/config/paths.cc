#include "supervisor/config/paths.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <span>

#include "base/fd.h"

namespace llrun::config {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool is_directory(const std::string& path) {
  struct stat status {};
  return !path.empty() && ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

// An absolute path from the environment, as the XDG base directory specification asks; else the
// default.
std::string xdg(const char* variable, const std::string& below_home) {
  if (auto value = environment(variable); value.starts_with('/')) return value;
  return home_directory() + "/" + below_home;
}

Result<> make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return system_error("make the directory " + path);
}

Result<> make_directories(const std::string& path) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    if (const auto parent = path.substr(0, slash); !is_directory(parent))
      LLRUN_TRY(make_directory(parent));
  }
  return make_directory(path);
}

struct stat look_at(const std::string& path) {
  struct stat status {};
  // lstat: a link planted in /tmp by somebody else must not be followed.
  if (::lstat(path.c_str(), &status) != 0) status.st_mode = 0;
  return status;
}

bool is_ones_own(const struct stat& status, mode_t denied) {
  return S_ISDIR(status.st_mode) && status.st_uid == ::getuid() && (status.st_mode & denied) == 0;
}

Result<std::string> private_directory(std::string path) {
  LLRUN_TRY(make_directory(path));
  if (is_ones_own(look_at(path), 077)) return path;
  return failure(ErrorCode::kRefused,
                 path +
                     " is not a directory that belongs to you alone (mode 0700): remove it, or "
                     "have it removed by its owner");
}

// Tests keep their agents apart by this: the places are looked for below it.
std::string places_root() { return environment("LLRUN_RUNTIME_ROOT"); }

// Abstract names belong to a network namespace, which a container may share with its host: the
// processes of one are not those of the other.
std::string abstract_address(const std::string& node) {
  const auto processes = read_link("/proc/self/ns/pid").value_or("");
  const auto root = places_root();
  return "@llrun-agent/" + std::to_string(::getuid()) + "/" + processes + "/" + node +
         root.substr(root.rfind('/') == std::string::npos ? 0 : root.rfind('/'));
}

std::string machine_id() {
  if (auto text = read_whole_file("/etc/machine-id"); text && text->size() >= 32)
    return text->substr(0, 32);
  return host_name();
}

}  // namespace

std::string home_directory() {
  if (auto home = environment("HOME"); !home.empty()) return home;
  const passwd* user = ::getpwuid(::getuid());
  return user == nullptr ? "/" : user->pw_dir;
}

void remember_stopped(const std::string& node) {
  const auto boot = boot_id();
  for (const auto& mark : files_beside_sockets(node + ".stopped"))
    if (const auto file = open_file(mark, O_WRONLY | O_CREAT | O_TRUNC, 0600))
      (void)write_all(file->get(), std::as_bytes(std::span(boot)));
}

void forget_stopped(const std::string& node) {
  for (const auto& mark : files_beside_sockets(node + ".stopped")) ::unlink(mark.c_str());
}

bool was_stopped(const std::string& node) {
  const auto now = boot_id();
  return std::ranges::any_of(files_beside_sockets(node + ".stopped"), [&](const auto& mark) {
    const auto then = read_whole_file(mark);
    return then && *then == now;
  });
}

Result<std::vector<std::string>> runtime_directories() {
  const auto root = places_root();
  const auto user = std::to_string(::getuid());
  std::vector<std::string> found;
  const auto session = root + "/run/user/" + user;
  if (is_ones_own(look_at(session), 022))
    if (auto usable = private_directory(session + "/llrun")) found.push_back(std::move(*usable));
  auto always = private_directory(root + "/tmp/llrun-" + user);
  if (!always && found.empty()) return std::unexpected(always.error());
  if (always) found.push_back(std::move(*always));
  return found;
}

Result<std::string> runtime_directory() {
  LLRUN_TRY_ASSIGN(auto directories, runtime_directories());
  return directories.front();
}

Result<std::vector<std::string>> agent_addresses(const std::string& node) {
  LLRUN_TRY_ASSIGN(auto addresses, runtime_directories());
  for (auto& address : addresses) address += "/" + node + ".sock";
  addresses.push_back(abstract_address(node));
  return addresses;
}

Result<std::string> socket_path(const std::string& node) {
  LLRUN_TRY_ASSIGN(const auto directory, runtime_directory());
  return directory + "/" + node + ".sock";
}

Result<std::string> loads_path(const std::string& node) {
  LLRUN_TRY_ASSIGN(const auto directory, runtime_directory());
  return directory + "/" + node + ".loads";
}

std::vector<std::string> files_beside_sockets(const std::string& name) {
  auto files = runtime_directories().value_or(std::vector<std::string>{});
  for (auto& file : files) file += "/" + name;
  return files;
}

Result<std::string> state_directory() {
  auto path = xdg("XDG_STATE_HOME", ".local/state") + "/llrun/" + machine_id();
  LLRUN_TRY(make_directories(path));
  return path;
}

std::string boot_id() {
  const auto text = read_whole_file("/proc/sys/kernel/random/boot_id").value_or("unknown\n");
  return text.substr(0, text.find('\n'));
}

std::string user_configuration_file() {
  return xdg("XDG_CONFIG_HOME", ".config") + "/llrun/llrun.conf";
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  const std::string full = name.data();
  return full.substr(0, full.find('.'));
}

Result<std::string> sibling_program(const std::string& name) {
  LLRUN_TRY_ASSIGN(const auto self, read_link("/proc/self/exe"));
  return self.substr(0, self.rfind('/') + 1) + name;
}

}  // namespace llrun::config
