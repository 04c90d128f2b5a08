#include "supervisor/holding/origin.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdio>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/log.h"
#include "supervisor/config/paths.h"

namespace llrun::holding {
namespace {

constexpr std::size_t kIdentityBytes = 16;

bool is_identity(const std::string& text) {
  return text.size() == 2 * kIdentityBytes &&
         std::ranges::all_of(text, [](unsigned char c) { return std::isxdigit(c) != 0; });
}

// One that is damaged is none: what was begun under it is not known any more, and is waited for.
std::string read_identity(const std::string& file) {
  const auto text = read_whole_file(file).value_or("").substr(0, 2 * kIdentityBytes);
  return is_identity(text) ? text : "";
}

Result<std::string> random_identity() {
  std::array<unsigned char, kIdentityBytes> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    return system_error("make a random identity");
  std::string text;
  for (const unsigned byte : bytes) {
    std::array<char, 3> digits{};
    std::snprintf(digits.data(), digits.size(), "%02x", byte);
    text += digits.data();
  }
  return text;
}

Result<> write_new(const std::string& file, const std::string& identity) {
  LLRUN_TRY_ASSIGN(const Fd out, open_file(file, O_WRONLY | O_CREAT | O_TRUNC, 0600));
  LLRUN_TRY(write_all(out.get(), bytes_of(std::string_view(identity + "\n"))));
  // After a crash of the machine the file must not be there without what it says.
  if (::fsync(out.get()) != 0) return system_error("write " + file);
  return {};
}

// Whole or not at all, and never over one that is there. Not every filesystem has links.
Result<> publish(const std::string& fresh, const std::string& file) {
  if (::link(fresh.c_str(), file.c_str()) == 0 || errno == EEXIST) return {};
  if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS) return system_error("make " + file);
  if (::rename(fresh.c_str(), file.c_str()) != 0) return system_error("make " + file);
  return {};
}

std::string first_line(const std::string& file) {
  const auto text = read_whole_file(file).value_or("");
  return text.substr(0, text.find('\n'));
}

}  // namespace

Result<std::string> identity_in(const std::string& state_directory, const std::string& node) {
  const auto file = state_directory + "/identity-" + node;
  if (auto known = read_identity(file); !known.empty()) return known;
  const auto there = read_whole_file(file);
  if (!there && there.error().errno_value != ENOENT)
    return std::unexpected(there.error());  // it may be whole
  const auto fresh = file + "." + std::to_string(::getpid()) + ".new";
  LLRUN_TRY_ASSIGN(const auto made, random_identity());
  auto done = write_new(fresh, made);
  if (done) {
    // A damaged one; not one that somebody else has made since.
    if (there && read_identity(file).empty()) ::unlink(file.c_str());
    done = publish(fresh, file);
  }
  ::unlink(fresh.c_str());
  if (!done) return std::unexpected(done.error());
  auto known = read_identity(file);
  if (known.empty()) return failure(ErrorCode::kGone, "keep an identity in " + file);
  return known;
}

protocol::Origin own_origin(const std::string& node) {
  protocol::Origin origin;
  const auto directory = config::state_directory();
  auto identity = directory ? identity_in(*directory, node) : directory;
  if (identity)
    origin.set_identity(*identity);
  else
    log::warn(
        "this node has no identity ({}): a node that waits for a program that was lost here "
        "will wait for ever",
        identity.error().message());
  origin.set_boot_id(first_line("/proc/sys/kernel/random/boot_id"));
  struct stat processes {};
  if (::stat("/proc/self/ns/pid", &processes) == 0) origin.set_processes(processes.st_ino);
  return origin;
}

}  // namespace llrun::holding
