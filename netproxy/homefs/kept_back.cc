#include "netproxy/homefs/kept_back.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace llrun::homefs {
namespace {

bool lies_in(const std::string& path, const std::string& tree) {
  if (tree == "/") return true;
  return path.starts_with(tree) && (path.size() == tree.size() || path[tree.size()] == '/');
}

// What does not exist yet, or cannot be looked at, is kept back under the name that was given.
std::string without_links(const std::string& path) {
  std::error_code problem;
  const auto found = std::filesystem::weakly_canonical(path, problem);
  std::string text = problem ? path : found.string();
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
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
    for (const auto& path : paths) into.push_back({without_links(path), name + " = " + path});
  };
  add(hide_, "hide", given_.hide);
  add(read_only_, "read-only", given_.read_only);
  add(only_, "only", given_.only);
}

const KeptBack::Rule* KeptBack::below(const std::vector<Rule>& rules,
                                      const std::string& path) const {
  const auto found =
      std::ranges::find_if(rules, [&](const Rule& rule) { return lies_in(path, rule.path); });
  return found == rules.end() ? nullptr : &*found;
}

KeptBack::Verdict KeptBack::verdict(const std::string& path, Use use) const {
  std::call_once(resolved_, [this] { resolve(); });
  if (use != Use::kChange) {
    if (const Rule* rule = below(hide_, path)) return {EACCES, rule->words};
    if (!only_.empty() && below(only_, path) == nullptr) return {EACCES, "only"};
  }
  if (use == Use::kRead) return {};
  if (const Rule* rule = below(read_only_, path)) return {EROFS, rule->words};
  if (use != Use::kMove) return {};
  for (const auto* rules : {&hide_, &read_only_})
    for (const Rule& rule : *rules)
      if (lies_in(rule.path, path)) return {EACCES, rule.words};
  return {};
}

}  // namespace llrun::homefs
