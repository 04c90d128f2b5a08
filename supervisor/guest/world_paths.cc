#include "supervisor/guest/world_paths.h"

#include <algorithm>
#include <array>
#include <deque>
#include <string_view>
#include <utility>
#include <vector>

namespace llrun {
namespace {

using Names = std::deque<std::string>;
using To = Leads::To;

Names names_of(std::string_view path) {
  Names names;
  while (!path.empty()) {
    const auto end = std::min(path.find('/'), path.size());
    if (end > 0) names.emplace_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return names;
}

std::string joined(const Names& names) {
  std::string path;
  for (const auto& name : names) path += (path.empty() ? "" : "/") + name;
  return path;
}

bool is_number(const std::string& name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; });
}

// What is left of a path that has come to `directory`, which is home's.
Leads from(std::string directory, const Names& rest) {
  if (rest.empty()) return {};  // opened as it is: a directory
  return {To::kHome, std::move(directory), joined(rest)};
}

class InProc {
 public:
  InProc(Names rest, const MagicLink& link) : rest_(std::move(rest)), link_(link) {}

  Leads walk() {
    while (!rest_.empty()) {
      std::string name = std::move(rest_.front());
      rest_.pop_front();
      if (name == ".") continue;
      if (name == "..") {
        if (at_.empty()) return from("/", rest_);
        at_.pop_back();
        continue;
      }
      enter(std::move(name));
      if (auto leads = out_of_here()) return *leads;
    }
    return {};
  }

 private:
  // The links of /proc itself lead to other places of it (fs/proc/root.c, self.c, thread_self.c).
  void enter(std::string name) {
    if (at_.empty() && name == "thread-self")
      at_ = {"self", "task", "self"};
    else if (at_.empty() && (name == "net" || name == "mounts"))
      at_ = {"self", std::move(name)};
    else
      at_.push_back(std::move(name));
  }

  // The magic links below a process or one of its threads (fs/proc/base.c).
  std::optional<Leads> out_of_here() const {
    if (at_.front() != "self" && !is_number(at_.front())) return std::nullopt;
    const std::size_t own = at_.size() > 3 && at_[1] == "task" ? 3 : 1;
    if (at_.size() <= own) return std::nullopt;
    const std::string& kind = at_[own];
    if (at_.size() == own + 1 && kind == "root") return from("/", rest_);
    if (at_.size() == own + 1 && kind == "cwd") return through("cwd");
    if (at_.size() != own + 2) return std::nullopt;
    if (kind == "ns") return Leads{To::kNamespace, {}, {}};
    if (kind == "map_files") return Leads{To::kDescriptor, {}, {}};
    if (kind != "fd") return std::nullopt;
    if (rest_.empty()) return Leads{To::kDescriptor, {}, {}};
    return through("fd/" + at_.back());
  }

  Leads through(const std::string& name) const {
    auto target = link_(name);
    if (!target || !target->starts_with('/')) return {};
    return from(std::move(*target), rest_);
  }

  Names rest_;
  const MagicLink& link_;
  std::vector<std::string> at_;
};

Leads in_dev(Names rest, const MagicLink& link, const Leads& asks_home) {
  while (!rest.empty() && rest.front() == ".") rest.pop_front();
  if (rest.empty()) return {};
  const std::string name = std::move(rest.front());
  rest.pop_front();
  if (name == "..") return from("/", rest);
  constexpr std::array<std::string_view, 5> kPlain{"null", "zero", "full", "random", "urandom"};
  if (std::ranges::find(kPlain, name) != kPlain.end()) return {};
  constexpr std::array<std::string_view, 3> kStandard{"stdin", "stdout", "stderr"};
  const auto* standard = std::ranges::find(kStandard, name);
  if (name != "fd" && standard == kStandard.end()) return asks_home;
  if (name != "fd") rest.push_front(std::to_string(standard - kStandard.begin()));
  rest.push_front("fd");
  rest.push_front("self");
  return InProc(std::move(rest), link).walk();
}

}  // namespace

Leads where_it_leads(const std::string& base, const std::string& path, const MagicLink& link) {
  Names rest = names_of(path.starts_with('/') ? path : base + "/" + path);
  while (!rest.empty() && (rest.front() == "." || rest.front() == "..")) rest.pop_front();
  const Leads asks_home{To::kHome, base, path};
  if (rest.empty()) return {};
  const std::string top = std::move(rest.front());
  rest.pop_front();
  if (top == "proc") return InProc(std::move(rest), link).walk();
  if (top == "dev") return in_dev(std::move(rest), link, asks_home);
  return asks_home;
}

}  // namespace llrun
