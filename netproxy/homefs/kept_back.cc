#include "netproxy/homefs/kept_back.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <list>
#include <system_error>
#include <utility>

namespace llrun::homefs {
namespace {

bool lies_in(const std::string& path, const std::string& tree) {
  if (tree == "/") return true;
  return path.starts_with(tree) && (path.size() == tree.size() || path[tree.size()] == '/');
}

using Parts = std::list<std::filesystem::path>;

std::string joined(std::filesystem::path path, const Parts& rest) {
  for (const auto& part : rest)
    if (!part.empty()) path /= part;
  return path.lexically_normal();
}

// Where `path` leads, and before it every name on the way at which there is a symbolic link, since
// whoever puts another link there decides where it leads. What does not exist yet, or cannot be
// looked at, is taken as it is named.
std::vector<std::string> names_of(const std::filesystem::path& path) {
  constexpr int kMostLinks = 40;  // MAXSYMLINKS, include/linux/namei.h
  std::vector<std::string> names;
  std::filesystem::path at;
  Parts rest(path.begin(), path.end());
  while (!rest.empty()) {
    const auto part = std::move(rest.front());
    rest.pop_front();
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      at = at.parent_path();
      continue;
    }
    std::error_code none;
    const auto target = std::filesystem::read_symlink(at / part, none);
    if (none || names.size() >= kMostLinks) {
      at /= part;
      continue;
    }
    names.push_back(joined(at / part, rest));
    rest.insert(rest.begin(), target.begin(), target.end());
  }
  names.push_back(at);
  return names;
}

}  // namespace

KeptBack::KeptBack(Rules rules) : given_(std::move(rules)) {}

KeptBack::Asked KeptBack::asked() const {
  const bool changes = !given_.read_only.empty();
  return {changes || !given_.hide.empty() || !given_.only.empty(), changes};
}

void KeptBack::resolve() const {
  const auto add = [](std::vector<Rule>& into, const std::string& name,
                      const std::vector<std::string>& paths) {
    for (const auto& path : paths)
      for (auto& place : names_of(path)) into.push_back({std::move(place), name + " = " + path});
  };
  add(hide_, "hide", given_.hide);
  add(read_only_, "read-only", given_.read_only);
  add(only_, "only", given_.only);
}

void KeptBack::look_at_rules() const {
  std::call_once(resolved_, [this] { resolve(); });
}

const KeptBack::Rule* KeptBack::below(const std::vector<Rule>& rules,
                                      const std::string& path) const {
  const auto found =
      std::ranges::find_if(rules, [&](const Rule& rule) { return lies_in(path, rule.path); });
  return found == rules.end() ? nullptr : &*found;
}

KeptBack::Verdict KeptBack::verdict(const std::string& path, Use use) const {
  look_at_rules();
  if (use != Use::kChange) {
    if (const Rule* rule = below(hide_, path)) return {EACCES, rule->words};
    if (!only_.empty() && below(only_, path) == nullptr) return {EACCES, "only"};
  }
  if (use == Use::kRead) return {};
  if (const Rule* rule = below(read_only_, path)) return {EROFS, rule->words};
  if (use != Use::kMove) return {};
  for (const auto* rules : {&hide_, &read_only_, &only_})
    for (const Rule& rule : *rules)
      if (lies_in(rule.path, path)) return {EACCES, rule.words};
  return {};
}

}  // namespace llrun::homefs
