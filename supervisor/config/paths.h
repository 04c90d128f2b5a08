// Where things are: control sockets, the state of this machine, configuration files.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace llrun::config {

// Where this user's agents on this machine are to be found, best first, whatever the environment
// says: llrun in his own run-time directory (/run/user/UID, where there is one), and always
// /tmp/llrun-UID, since the former comes and goes with his logins. Made with mode 0700; one that is
// not a directory of this user's alone is left out, since whoever owns it could pose as the agent.
// kRefused, with the reason, when none is left.
[[nodiscard]] Result<std::vector<std::string>> runtime_directories();
[[nodiscard]] Result<std::string> runtime_directory();  // the best
// Each address at which an agent listens, best first: the paths of its sockets, then a name that
// belongs to no file (unix(7), abstract; written with a leading @) and so cannot be removed.
[[nodiscard]] Result<std::vector<std::string>> agent_addresses(const std::string& node);
[[nodiscard]] Result<std::string> socket_path(const std::string& node);  // the best

// Beside the sockets: what `llrunctl loads` shows, for scripts, in the best place; and the switches
// set by hand, in every one.
[[nodiscard]] Result<std::string> loads_path(const std::string& node);
[[nodiscard]] std::vector<std::string> files_beside_sockets(const std::string& name);
// Which boot of the machine this is: what is beside the sockets is not to outlive it, and /tmp may.
[[nodiscard]] std::string boot_id();

// An agent that its owner stopped is not started again by other nodes' channels, only by somebody
// here. Marks beside the sockets remember it.
void remember_stopped(const std::string& node);
void forget_stopped(const std::string& node);
[[nodiscard]] bool was_stopped(const std::string& node);

// $XDG_STATE_HOME/llrun/MACHINE-ID (default ~/.local/state), made with mode 0700. The machine is in
// the path because home directories are shared by machines.
[[nodiscard]] Result<std::string> state_directory();

[[nodiscard]] std::string
user_configuration_file();  // $XDG_CONFIG_HOME/llrun/llrun.conf; not checked
inline constexpr const char* kSystemConfigurationFile = "/etc/llrun/llrun.conf";

[[nodiscard]] std::string home_directory();  // $HOME, or the user's by passwd(5)
[[nodiscard]] std::string host_name();       // up to the first dot: the default name of this node
// The file `name` in the directory of this program: how our programs find one another.
[[nodiscard]] Result<std::string> sibling_program(const std::string& name);

}  // namespace llrun::config
