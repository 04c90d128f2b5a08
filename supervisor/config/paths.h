// Where things are: control sockets, the state of this machine, configuration files.
#pragma once

#include <string>

#include "base/result.h"

namespace llrun::config {

// $XDG_RUNTIME_DIR/llrun, or /tmp/llrun-UID where there is no such directory. Made with mode 0700;
// refused (kRefused) when it is not a directory of this user's alone, since whoever owns it could
// pose as the agent.
[[nodiscard]] Result<std::string> runtime_directory();
[[nodiscard]] Result<std::string> socket_path(const std::string& node);

// Beside it: what `llrunctl loads` shows, for scripts, and the switches set by hand.
[[nodiscard]] Result<std::string> loads_path(const std::string& node);
[[nodiscard]] Result<std::string> switches_path(const std::string& node);

// An agent that its owner stopped is not started again by other nodes' channels, only by somebody
// here. A mark beside the socket remembers it.
void remember_stopped(const std::string& node);
void forget_stopped(const std::string& node);
[[nodiscard]] bool was_stopped(const std::string& node);

// $XDG_STATE_HOME/llrun/MACHINE-ID (default ~/.local/state), made with mode 0700. The machine is in
// the path because home directories are shared by machines.
[[nodiscard]] Result<std::string> state_directory();

[[nodiscard]] std::string
user_configuration_file();  // $XDG_CONFIG_HOME/llrun/llrun.conf; not checked
inline constexpr const char* kSystemConfigurationFile = "/etc/llrun/llrun.conf";

[[nodiscard]] std::string host_name();  // up to the first dot: the default name of this node
// The file `name` in the directory of this program: how our programs find one another.
[[nodiscard]] Result<std::string> sibling_program(const std::string& name);

}  // namespace llrun::config
