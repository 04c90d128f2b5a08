#include "supervisor/config/config.h"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>

#include "base/fd.h"
#include "base/waiting.h"
#include "supervisor/config/ini.h"
#include "supervisor/config/keys.h"
#include "supervisor/config/paths.h"

namespace llrun::config {
namespace {

Result<> apply(Config& config, const std::string& where, const std::string& key,
               const std::string& value) {
  auto done = set_key(config, key, value);
  if (!done) done.error().attempted = where + ": " + done.error().attempted;
  return done;
}

Result<> apply_file(Config& config, const std::string& file, bool must_exist) {
  if (file.empty()) return {};
  auto text = read_whole_file(file);
  if (!text && text.error().errno_value == ENOENT && !must_exist) return {};
  if (!text) return std::unexpected(text.error());
  LLRUN_TRY_ASSIGN(const auto settings, parse_ini(file, *text));
  for (const auto& setting : settings)
    LLRUN_TRY(apply(config, file + ":" + std::to_string(setting.line), setting.key, setting.value));
  return {};
}

// "guests.max" -> LLRUN_GUESTS_MAX. Open sets such as nodes.* have no variable.
std::string variable_of(std::string_view key) {
  std::string name = "LLRUN_";
  for (const char c : key)
    name +=
        c == '.' || c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

Result<> apply_environment(Config& config, const std::map<std::string, std::string>& environment) {
  for (const auto& key : keys()) {
    const auto found = environment.find(variable_of(key.name));
    if (key.name.ends_with('*') || found == environment.end()) continue;
    LLRUN_TRY(apply(config, found->first, std::string(key.name), found->second));
  }
  return {};
}

// Keys, passwords and tokens, as widely used programs keep them.
std::vector<std::string> where_secrets_are() {
  std::vector<std::string> paths;
  for (const char* name :
       {".ssh", ".gnupg", ".aws", ".azure", ".kube", ".netrc", ".git-credentials",
        ".docker/config.json", ".password-store", ".config/llrun", ".config/gh", ".config/gcloud",
        ".config/rclone", ".local/state/llrun", ".local/share/keyrings"})
    paths.push_back(home_directory() + "/" + name);
  return paths;
}

}  // namespace

const Peer* Config::peer(std::string_view node) const {
  const auto found = std::ranges::find(nodes, node, &Peer::name);
  return found == nodes.end() ? nullptr : &*found;
}

KeptFiles Config::kept_from(const std::string& node) const {
  KeptFiles kept = view;
  if (const auto own = views.find(node); own != views.end())
    for (const auto which : {&KeptFiles::hide, &KeptFiles::read_only, &KeptFiles::only})
      if (own->second.*which) kept.*which = own->second.*which;
  if (!kept.hide) kept.hide = where_secrets_are();
  for (const auto which : {&KeptFiles::read_only, &KeptFiles::only})
    if (!(kept.*which)) (kept.*which).emplace();
  return kept;
}

Sources Sources::of_this_process() {
  Sources sources{kSystemConfigurationFile, user_configuration_file(), false, {}};
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const auto equals = text.find('=');
    if (text.starts_with("LLRUN_") && equals != std::string::npos)
      sources.environment[text.substr(0, equals)] = text.substr(equals + 1);
  }
  if (const auto named = sources.environment.find("LLRUN_CONF");
      named != sources.environment.end()) {
    sources.user_file = named->second;
    sources.user_file_must_exist = true;
  }
  return sources;
}

Result<Config> load(const Sources& sources, const Options& options) {
  Config config;
  LLRUN_TRY(apply_file(config, sources.system_file, false));
  LLRUN_TRY(apply_file(config, sources.user_file, sources.user_file_must_exist));
  LLRUN_TRY(apply_environment(config, sources.environment));
  for (const auto& [key, value] : options) LLRUN_TRY(apply(config, "option", key, value));
  if (config.name.empty()) config.name = host_name();
  // A node is not its own peer: one file can then be shared by all nodes.
  std::erase_if(config.nodes, [&](const Peer& peer) { return peer.name == config.name; });
  return config;
}

Result<Config> load(const Options& options) { return load(Sources::of_this_process(), options); }

std::vector<std::string> waiting_addresses(const std::string& node) {
  const auto state = state_directory();
  if (!state) return {};
  std::vector<std::string> addresses;
  const auto add = [&](const char* named) {
    const auto address = waiting::address_of(state->c_str(), named);
    if (address.length > 0) addresses.push_back("@" + std::string(address.text));
  };
  add(node.c_str());
  auto sources = Sources::of_this_process();
  if (sources.environment.contains("LLRUN_CONF")) return addresses;
  sources.environment.erase("LLRUN_NAME");
  if (const auto unnamed = load(sources); unnamed && unnamed->name == node) add(nullptr);
  return addresses;
}

}  // namespace llrun::config
