#include "tools/llrun_options.h"

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace llrun::launcher {
namespace {

constexpr char kHelp[] =
    R"(Run a program as usual; let it move to another node when it runs long.

  llrun povray scene.pov          run it; it may move while it runs
  llrun --node b make -j8         run it; it may move only to node b
  llrun --after 30s ./simulation  not before it has run for 30 seconds
  llrun --stay ./program          watch it, but never move it unasked
  llrun -p 4711                   the same for a program that runs already
  llrunctl ps                     what is running, and where

Usage: llrun [OPTION]… [--] PROGRAM [ARGUMENT]…
       llrun [OPTION]… -p PID

      --node NAME    move to this node only
      --after TIME   age at which it may move: 5s, 500ms, 2min (default 5s)
      --max-io MIB   it stays while it reads and writes more than this many MiB/s
                     of regular files (default 3)
      --stay         move only when told to (llrunctl migrate)
      --name NAME    use the agent of this name on this machine
  -p, --pid PID      attach to a running process of yours
  -v, --verbose      say on standard error what happens
      --json         with -v: one JSON object a line
      --help         show this
      --version      show the version

The exit status is the program's own; 125 when llrun itself fails, 126 when the
program cannot be executed, 127 when it is not found.
)";

// What the words after an option's name have to be.
enum class Kind { kFlag, kText, kTime, kRate, kPid };

struct Option {
  const char* name;
  char letter;
  Kind kind;
  bool Options::*flag;
  const char* Options::*text;
};

constexpr Option kOptions[] = {
    {"node", 0, Kind::kText, nullptr, &Options::node},
    {"name", 0, Kind::kText, nullptr, &Options::agent},
    {"max-io", 0, Kind::kRate, nullptr, &Options::max_io},
    {"after", 0, Kind::kTime, nullptr, nullptr},
    {"pid", 'p', Kind::kPid, nullptr, nullptr},
    {"stay", 0, Kind::kFlag, &Options::stay, nullptr},
    {"verbose", 'v', Kind::kFlag, &Options::verbose, nullptr},
    {"json", 0, Kind::kFlag, &Options::json, nullptr},
};

Options wrong(const char* what, const char* word) {
  std::fprintf(stderr, "llrun: %s: %s\nTry 'llrun --help'.\n", word, what);
  Options options;
  options.action = Action::kWrong;
  return options;
}

// A number, then ms, s, m, min, h or d; bare numbers are seconds, as in llrun.conf. -1: it is not
// one.
long milliseconds(const char* text) {
  char* end = nullptr;
  const double value = std::strtod(text, &end);
  const struct {
    const char* name;
    double factor;
  } units[] = {{"", 1e3},     {"ms", 1},     {"s", 1e3},    {"m", 60e3},
               {"min", 60e3}, {"h", 3600e3}, {"d", 86400e3}};
  for (const auto& unit : units) {
    const double total = value * unit.factor;
    if (end != text && std::strcmp(end, unit.name) == 0 && total >= 0 && total < 1e11)
      return static_cast<long>(total);
  }
  return -1;
}

bool is_rate(const char* text) {
  char* end = nullptr;
  const double value = std::strtod(text, &end);
  return end != text && *end == 0 && value >= 0 && value < 1e9;
}

int process_id(const char* text) {
  char* end = nullptr;
  errno = 0;
  const long value = std::strtol(text, &end, 10);
  return end != text && *end == 0 && errno == 0 && value > 0 && value <= INT_MAX
             ? static_cast<int>(value)
             : 0;
}

// "" when the value is good, else what it should be.
const char* take_value(Options& options, const Option& option, const char* value) {
  switch (option.kind) {
    case Kind::kFlag:
      options.*option.flag = true;
      return "";
    case Kind::kRate:
      if (!is_rate(value)) return "should be a number of MiB a second";
      [[fallthrough]];
    case Kind::kText:
      options.*option.text = value;
      return *value == 0 ? "should not be empty" : "";
    case Kind::kTime:
      options.after_ms = milliseconds(value);
      return options.after_ms < 0 ? "should be a time such as 5s, 500ms or 2min" : "";
    case Kind::kPid:
      options.pid = process_id(value);
      return options.pid == 0 ? "should be the number of a process" : "";
  }
  return "";
}

// The row for "--after", "--after=5s" (then `value` is set) or "-p".
const Option* find(const char* word, const char** value) {
  *value = nullptr;
  for (const auto& option : kOptions) {
    if (word[1] != '-' && option.letter != 0 && word[1] == option.letter && word[2] == 0)
      return &option;
    const auto length = std::strlen(option.name);
    if (word[1] != '-' || std::strncmp(word + 2, option.name, length) != 0) continue;
    const char* after = word + 2 + length;
    if (*after == '=') *value = after + 1;
    if (*after == '=' || *after == 0) return &option;
  }
  return nullptr;
}

}  // namespace

Options parse(int argc, char** argv) {
  Options options;
  int at = 1;
  for (; at < argc && argv[at][0] == '-' && argv[at][1] != 0; ++at) {
    const char* word = argv[at];
    if (std::strcmp(word, "--") == 0 && ++at > 0) break;
    if (std::strcmp(word, "--help") == 0) return options.action = Action::kHelp, options;
    if (std::strcmp(word, "--version") == 0) return options.action = Action::kVersion, options;
    const char* value = nullptr;
    const Option* option = find(word, &value);
    if (option == nullptr) return wrong("there is no such option", word);
    if (option->kind == Kind::kFlag && value != nullptr) return wrong("takes no value", word);
    if (option->kind != Kind::kFlag && value == nullptr) value = argv[++at];
    if (option->kind != Kind::kFlag && value == nullptr) return wrong("needs a value", word);
    if (const char* problem = take_value(options, *option, value); *problem != 0)
      return wrong(problem, word);
  }
  options.program = argv + at;
  if (options.pid != 0) options.action = Action::kAttach;
  if (options.pid != 0 && at < argc) return wrong("not together with -p", argv[at]);
  if (options.pid == 0 && at >= argc) return wrong("no program was named", "usage");
  return options;
}

void print_help() { std::fputs(kHelp, stdout); }

}  // namespace llrun::launcher
