#include "supervisor/config/keys.h"

#include <algorithm>
#include <array>

#include "supervisor/config/paths.h"
#include "supervisor/config/values.h"

namespace llrun::config {
namespace {

template <auto Member, auto Parse>
Result<> field(Config& config, std::string_view, const std::string& value) {
  LLRUN_TRY_ASSIGN(config.*Member, Parse(value));
  return {};
}

template <auto Member, auto Parse>
Result<> guest_field(Config& config, std::string_view, const std::string& value) {
  LLRUN_TRY_ASSIGN(config.guests.*Member, Parse(value));
  return {};
}

Result<std::string> parse_node_name(const std::string& value) {
  if (is_node_name(value)) return value;
  return failure(
      ErrorCode::kInvalid,
      "\"" + value + "\" is not a node's name: letters, digits, - _ . and at most 64 of them");
}

Result<std::string> parse_word(const std::string& value) {
  if (!value.empty()) return value;
  return failure(ErrorCode::kInvalid, "the value is empty");
}

Result<std::string> parse_log_level(const std::string& value) {
  constexpr std::array kLevels{"debug", "info", "warn", "error"};
  if (std::ranges::find(kLevels, value) != kLevels.end()) return value;
  return failure(ErrorCode::kInvalid, "\"" + value + "\" is not one of debug, info, warn, error");
}

// Peers call a node silent after two and a half of these.
Result<std::chrono::milliseconds> parse_exchange(const std::string& value) {
  auto period = parse_duration(value);
  using std::chrono::milliseconds;
  if (period && (*period < milliseconds(100) || *period > milliseconds(60'000)))
    return failure(ErrorCode::kInvalid, "\"" + value + "\" is not between 100ms and 60s");
  return period;
}

// Zero stands for never.
Result<std::chrono::milliseconds> parse_limit(const std::string& value) {
  if (value == "never") return std::chrono::milliseconds::zero();
  auto limit = parse_duration(value);
  if (!limit) return failure(ErrorCode::kInvalid, limit.error().attempted + ", or never");
  return limit;
}

Result<long> parse_count(const std::string& value) {
  auto count = parse_integer(value);
  if (count && *count < 0) return failure(ErrorCode::kInvalid, "\"" + value + "\" is below zero");
  return count;
}

Result<long> parse_nice(const std::string& value) {
  auto nice = parse_integer(value);
  if (nice && (*nice < 0 || *nice > 19))
    return failure(ErrorCode::kInvalid, "\"" + value + "\" is not a nice value from 0 to 19");
  return nice;
}

Result<> add_node(Config& config, std::string_view name, const std::string& value) {
  Peer peer;
  LLRUN_TRY_ASSIGN(peer.name, parse_node_name(std::string(name)));
  LLRUN_TRY_ASSIGN(peer.command, split_command(value));
  std::erase_if(config.nodes, [&](const Peer& old) { return old.name == peer.name; });
  config.nodes.push_back(std::move(peer));
  return {};
}

Result<> add_hint(Config& config, std::string_view program, const std::string& value) {
  LLRUN_TRY_ASSIGN(config.hints[std::string(program)], parse_word(value));
  return {};
}

Result<> add_strategy_number(Config& config, std::string_view setting, const std::string& value) {
  LLRUN_TRY_ASSIGN(config.strategy_numbers[std::string(setting)], parse_number(value));
  return {};
}

// Programs by name or path, as words; given again it begins anew, as every key does.
Result<> set_level_list(Config& config, std::string_view, const std::string& value) {
  config.level_list.clear();
  if (value.find_first_not_of(" \t") == std::string::npos) return {};
  LLRUN_TRY_ASSIGN(config.level_list, split_command(value));
  return {};
}

// "~" and "~/…" are the user's home directory; anything else has to be absolute.
Result<std::string> absolute(std::string path) {
  const auto home = home_directory();
  if (path == "~" || path.starts_with("~/")) path.replace(0, 1, home);
  if (path.starts_with('/')) return path;
  return failure(ErrorCode::kInvalid, "\"" + path + "\" begins neither with / nor with ~/");
}

Result<std::vector<std::string>> parse_paths(const std::string& value) {
  if (value.find_first_not_of(" \t") == std::string::npos) return std::vector<std::string>();
  LLRUN_TRY_ASSIGN(auto paths, split_command(value));
  for (auto& path : paths) {
    LLRUN_TRY_ASSIGN(path, absolute(std::move(path)));
  }
  return paths;
}

template <auto Member>
Result<> view_field(Config& config, std::string_view, const std::string& value) {
  LLRUN_TRY_ASSIGN(config.view.*Member, parse_paths(value));
  return {};
}

// "NODE.hide" of [view.NODE]; a node's name may have dots.
Result<> set_view_of_node(Config& config, std::string_view rest, const std::string& value) {
  const auto dot = rest.rfind('.');
  const auto name = rest.substr(dot == std::string_view::npos ? 0 : dot + 1);
  std::optional<std::vector<std::string>> KeptFiles::*const which =
      name == "hide"        ? &KeptFiles::hide
      : name == "read-only" ? &KeptFiles::read_only
      : name == "only"      ? &KeptFiles::only
                            : nullptr;
  if (which == nullptr || dot == std::string_view::npos)
    return failure(ErrorCode::kInvalid,
                   "\"" + std::string(name) + "\" is not one of hide, read-only, only");
  LLRUN_TRY_ASSIGN(const auto node, parse_node_name(std::string(rest.substr(0, dot))));
  LLRUN_TRY_ASSIGN(config.views[node].*which, parse_paths(value));
  return {};
}

constexpr Key kKeys[] = {
    {"name", field<&Config::name, parse_node_name>},
    {"after", field<&Config::after, parse_duration>},
    {"max-io", field<&Config::max_io, parse_number>},
    {"strategy", field<&Config::strategy, parse_word>},
    {"lease", field<&Config::lease, parse_duration>},
    {"confirm", field<&Config::confirm, parse_duration>},
    {"lost-after", field<&Config::lost_after, parse_limit>},
    {"abandon", field<&Config::abandon, parse_duration>},
    {"settle", field<&Config::settle, parse_duration>},
    {"rest", field<&Config::rest, parse_duration>},
    {"exchange", field<&Config::exchange, parse_exchange>},
    {"drain", field<&Config::drain, parse_duration>},
    {"level-list", set_level_list},
    {"levelling", field<&Config::levelling, parse_switch>},
    {"accept", field<&Config::accept, parse_switch>},
    {"log-level", field<&Config::log_level, parse_log_level>},
    {"guests.max", guest_field<&GuestLimits::max, parse_count>},
    {"guests.memory", guest_field<&GuestLimits::memory, parse_number>},
    {"guests.cpu", guest_field<&GuestLimits::cpu, parse_number>},
    {"guests.nice", guest_field<&GuestLimits::nice, parse_nice>},
    {"guests.processes", guest_field<&GuestLimits::processes, parse_count>},
    {"view.hide", view_field<&KeptFiles::hide>},
    {"view.read-only", view_field<&KeptFiles::read_only>},
    {"view.only", view_field<&KeptFiles::only>},
    {"view.*", set_view_of_node},
    {"nodes.*", add_node},
    {"hints.*", add_hint},
    {"strategy.*", add_strategy_number},
};

bool matches(const Key& key, std::string_view name) {
  if (!key.name.ends_with('*')) return key.name == name;
  const auto prefix = key.name.substr(0, key.name.size() - 1);
  return name.starts_with(prefix) && name.size() > prefix.size();
}

}  // namespace

std::span<const Key> keys() { return kKeys; }

bool is_node_name(std::string_view name) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
  return !name.empty() && name.size() <= 64 && name.front() != '.' && name.front() != '-' &&
         name.find_first_not_of(kAllowed) == std::string_view::npos;
}

const Key* find_key(std::string_view name) {
  const auto* found =
      std::ranges::find_if(kKeys, [&](const Key& key) { return matches(key, name); });
  return found == std::end(kKeys) ? nullptr : found;
}

Result<> set_key(Config& config, const std::string& name, const std::string& value) {
  const Key* key = find_key(name);
  if (key == nullptr)
    return failure(ErrorCode::kInvalid, "there is no key \"" + name + "\": see llrun.conf(5)");
  const auto rest =
      std::string_view(name).substr(key->name.ends_with('*') ? key->name.size() - 1 : 0);
  auto done = key->set(config, rest, value);
  if (!done) done.error().attempted = name + ": " + done.error().attempted;
  return done;
}

}  // namespace llrun::config
