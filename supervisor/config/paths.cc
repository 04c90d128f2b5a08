#include "supervisor/config/paths.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

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

std::string home_directory() {
  if (auto home = environment("HOME"); !home.empty()) return home;
  const passwd* user = ::getpwuid(::getuid());
  return user == nullptr ? "/" : user->pw_dir;
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

Result<> check_private(const std::string& path) {
  struct stat status {};
  // lstat: a link planted in /tmp by somebody else must not be followed.
  if (::lstat(path.c_str(), &status) != 0) return system_error("look at " + path);
  if (S_ISDIR(status.st_mode) && status.st_uid == ::getuid() && (status.st_mode & 077) == 0)
    return {};
  return failure(ErrorCode::kRefused,
                 path +
                     " is not a directory that belongs to you alone (mode 0700): remove it, or set "
                     "XDG_RUNTIME_DIR to a directory of your own");
}

std::string machine_id() {
  if (auto text = read_whole_file("/etc/machine-id"); text && text->size() >= 32)
    return text->substr(0, 32);
  return host_name();
}

std::string stopped_mark(const std::string& node) {
  const auto directory = runtime_directory();
  return directory ? *directory + "/" + node + ".stopped" : "";
}

}  // namespace

void remember_stopped(const std::string& node) {
  (void)open_file(stopped_mark(node), O_WRONLY | O_CREAT, 0600);
}

void forget_stopped(const std::string& node) { ::unlink(stopped_mark(node).c_str()); }

bool was_stopped(const std::string& node) {
  return ::access(stopped_mark(node).c_str(), F_OK) == 0;
}

Result<std::string> runtime_directory() {
  const auto session = environment("XDG_RUNTIME_DIR");
  auto path =
      is_directory(session) ? session + "/llrun" : "/tmp/llrun-" + std::to_string(::getuid());
  LLRUN_TRY(make_directory(path));
  LLRUN_TRY(check_private(path));
  return path;
}

Result<std::string> socket_path(const std::string& node) {
  LLRUN_TRY_ASSIGN(const auto directory, runtime_directory());
  auto path = directory + "/" + node + ".sock";
  // sun_path of unix(7) holds 108 bytes with the final zero.
  if (path.size() >= 108)
    return failure(ErrorCode::kInvalid, "the control socket's path is too long (" + path +
                                            "): set a shorter XDG_RUNTIME_DIR");
  return path;
}

Result<std::string> loads_path(const std::string& node) {
  LLRUN_TRY_ASSIGN(const auto directory, runtime_directory());
  return directory + "/" + node + ".loads";
}

Result<std::string> switches_path(const std::string& node) {
  LLRUN_TRY_ASSIGN(const auto directory, runtime_directory());
  return directory + "/" + node + ".switches";
}

Result<std::string> state_directory() {
  auto path = xdg("XDG_STATE_HOME", ".local/state") + "/llrun/" + machine_id();
  LLRUN_TRY(make_directories(path));
  return path;
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
