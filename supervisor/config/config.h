// Config: everything llrun.conf, LLRUN_* and options settle. Plain values with their defaults.
//
// Precedence: options > LLRUN_* > the user's file > /etc/llrun/llrun.conf. LLRUN_CONF names another
// file than the user's. llrun.conf(5) describes the keys; keys.h is their one table.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace llrun::config {

// A peer is reached by a command whose stdin and stdout are the channel.
struct Peer {
  std::string name;
  std::vector<std::string> command;
  friend bool operator==(const Peer&, const Peer&) = default;
};

// What the owner of this node allows guests: he comes first. Zero: no limit.
struct GuestLimits {
  long max = 0;
  std::optional<double> memory;  // MiB, all guests together; none: half of what the node has
  double cpu = 0;                // cores, all guests together
  long nice = 10;                // added to theirs
  long processes = 512;          // processes and threads, all guests together
};

// Which of this node's files other nodes do not get while a program of ours is there, as paths
// without "~" (netproxy/homefs/kept_back.h). What is not set for a node, is as for all.
struct KeptFiles {
  std::optional<std::vector<std::string>> hide, read_only, only;
};

struct Config {
  std::string name;  // this node's
  std::vector<Peer> nodes;
  std::chrono::milliseconds after{5000};
  double max_io = 3;  // MiB/s of regular files
  std::string strategy = "hindrance";
  std::map<std::string, double, std::less<>> strategy_numbers;  // its settings
  std::chrono::milliseconds lease{30'000};
  std::chrono::milliseconds confirm{600'000};  // home's wait for a guest that is not known to run
  std::chrono::milliseconds lost_after{0};     // home gives up a node that is not reached; 0: never
  std::chrono::milliseconds abandon{86'400'000};  // a guest here whose home is silent ends
  std::chrono::milliseconds exchange{1000};       // how often nodes tell each other their load
  std::chrono::milliseconds drain{30'000};        // how long a draining agent waits for its guests
  std::vector<std::string> level_list;       // programs that take part under a shell; empty: all
  std::chrono::milliseconds settle{10'000};  // after a move a process stays at least as long
  // After a move that came to nothing, or a call that brought it home, it is left alone as long.
  std::chrono::milliseconds rest{30'000};
  bool levelling = true;  // this node takes part at all
  bool accept = true;     // takes guests
  GuestLimits guests;
  KeptFiles view;                            // [view]; hide: where programs keep secrets
  std::map<std::string, KeptFiles> views;    // [view.NODE]
  std::map<std::string, std::string> hints;  // program -> "long", "never", …
  std::string log_level = "info";

  [[nodiscard]] const Peer* peer(std::string_view node) const;
  [[nodiscard]] KeptFiles kept_from(const std::string& node) const;  // each of them set
};

// What is read, by default from the process's surroundings; tests name their own.
struct Sources {
  std::string system_file;
  std::string user_file;
  bool user_file_must_exist = false;               // it was named by LLRUN_CONF
  std::map<std::string, std::string> environment;  // LLRUN_* only
  static Sources of_this_process();
};

// `options` are (key, value) as on a command line; they win. An unknown key, a malformed value or
// line is kInvalid and names file and line, variable or option.
using Options = std::vector<std::pair<std::string, std::string>>;
[[nodiscard]] Result<Config> load(const Sources& sources, const Options& options = {});
[[nodiscard]] Result<Config> load(const Options& options = {});

// Where the agent `node` listens for those who wait with it (base/waiting.h): under its name, and,
// if nobody has to name it (LLRUN_NAME, --name, LLRUN_CONF), where those look who name none.
[[nodiscard]] std::vector<std::string> waiting_addresses(const std::string& node);

}  // namespace llrun::config
