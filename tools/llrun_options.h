// The launcher's options. Parsed by hand, and nothing here needs the C++ library: see llrun.cmake
// for why.
#pragma once

namespace llrun::launcher {

enum class Action { kRun, kAttach, kHelp, kVersion, kWrong };

// Exit statuses of env(1), which a program's own cannot be told from.
inline constexpr int kOwnFailure = 125;
inline constexpr int kCannotExecute = 126;
inline constexpr int kNotFound = 127;

struct Options {
  Action action = Action::kRun;
  int pid = 0;                   // kAttach
  char** program = nullptr;      // kRun: argv of the program
  const char* node = nullptr;    // --node
  const char* agent = nullptr;   // --name
  const char* max_io = nullptr;  // MiB/s, checked
  long after_ms = -1;            // -1: not given
  bool stay = false;
  bool verbose = false;
  bool json = false;
};

// kWrong has been explained on stderr.
[[nodiscard]] Options parse(int argc, char** argv);
void print_help();

}  // namespace llrun::launcher
