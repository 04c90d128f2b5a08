#include "supervisor/home/path_walk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <deque>
#include <string_view>

namespace llrun {
namespace {

constexpr int kMostLinks = 40;  // MAXSYMLINKS, include/linux/namei.h

class Walk {
 public:
  explicit Walk(bool follow) : follow_(follow) {}

  PathEnd run(const std::string& path) {
    push_front(path);
    struct stat status {};
    while (!rest_.empty()) {
      const std::string name = std::move(rest_.front());
      rest_.pop_front();
      if (name == ".") continue;
      if (name == "..") {
        at_.resize(at_.empty() ? 0 : at_.rfind('/'));
        continue;
      }
      if (at_.empty() && name == "proc") return {0, 0, {}, what_is_left("/proc")};
      if (const int error = step(name, status); error != 0)
        return {0, error, at_ + "/" + name, in_dev(name)};
      if (ended_at_link_) return {S_IFLNK, 0, at_ + "/" + name, {}};
    }
    const std::string at = at_.empty() ? "/" : at_;
    if (::stat(at.c_str(), &status) != 0) return {0, errno, at, {}};
    return {status.st_mode, 0, at, in_dev({})};
  }

 private:
  // Enters `name`, or what a link of that name says is to be walked first.
  int step(const std::string& name, struct stat& status) {
    const std::string next = at_ + "/" + name;
    if (::lstat(next.c_str(), &status) != 0) return errno;
    if (S_ISLNK(status.st_mode)) return take_link(next);
    if (!rest_.empty() && !S_ISDIR(status.st_mode)) return ENOTDIR;
    at_ = next;
    return 0;
  }

  int take_link(const std::string& link) {
    if (rest_.empty() && !follow_) {
      ended_at_link_ = true;
      return 0;
    }
    if (++links_ > kMostLinks) return ELOOP;
    std::array<char, PATH_MAX> target{};
    const ssize_t length = ::readlink(link.c_str(), target.data(), target.size());
    if (length < 0) return errno;
    const std::string_view text(target.data(), static_cast<std::size_t>(length));
    if (text.starts_with('/')) at_.clear();
    push_front(text);
    return 0;
  }

  void push_front(std::string_view path) {
    std::deque<std::string> names;
    while (!path.empty()) {
      const auto end = std::min(path.find('/'), path.size());
      if (end > 0) names.emplace_back(path.substr(0, end));
      path.remove_prefix(std::min(end + 1, path.size()));
    }
    rest_.insert(rest_.begin(), names.begin(), names.end());
  }

  [[nodiscard]] std::string what_is_left(std::string text) const {
    for (const auto& name : rest_) text += "/" + name;
    return text;
  }

  [[nodiscard]] std::string in_dev(const std::string& name) const {
    const std::string whole = name.empty() ? at_ : at_ + "/" + name;
    if (whole != "/dev" && !whole.starts_with("/dev/")) return {};
    if (whole == "/dev/shm" || whole.starts_with("/dev/shm/")) return {};
    return whole;
  }

  bool follow_;
  bool ended_at_link_ = false;
  int links_ = 0;
  std::string at_;  // without links, "..", or a slash at its end; the root is empty
  std::deque<std::string> rest_;
};

}  // namespace

PathEnd walk_path(const std::string& base, const std::string& path, bool follow) {
  return Walk(follow).run(path.starts_with('/') ? path : base + "/" + path);
}

}  // namespace llrun
