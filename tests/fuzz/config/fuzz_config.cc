// A text taken for llrun.conf, and for each kind of value.
#include <cmath>

#include "policies/hints.h"
#include "supervisor/config/config.h"
#include "supervisor/config/ini.h"
#include "supervisor/config/keys.h"
#include "supervisor/config/values.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace llrun;
using fuzz::Counter;

Counter files("files");
Counter refused_files("files refused", true);
Counter settings_made("settings");
Counter refused_settings("settings refused", true);
Counter values("values");
Counter refused_values("values refused");

void read_hints(const config::Config& config) {
  policies::Hints hints;
  for (const auto& [program, text] : config.hints)
    if (hints.add(program, text)) (void)hints.find("/usr/bin/" + program);
}

void read_file(const std::string& text) {
  const auto settings = config::parse_ini("llrun.conf", text);
  ++(settings ? files : refused_files);
  if (!settings) return;
  config::Config config;
  for (const auto& setting : *settings)
    ++(config::set_key(config, setting.key, setting.value) ? settings_made : refused_settings);
  LLRUN_CHECK(config.after.count() >= 0 && config.lease.count() >= 0, "no time is negative");
  LLRUN_CHECK(std::isfinite(config.max_io) && config.guests.max >= 0, "no number is nonsense");
  for (const auto& node : config.nodes) LLRUN_CHECK(!node.command.empty(), "a node's command");
  read_hints(config);
}

void read_value(std::string_view text) {
  const bool some = config::parse_duration(text).has_value() +
                    config::parse_number(text).has_value() +
                    config::parse_integer(text).has_value() +
                    config::parse_switch(text).has_value() + policies::parse_hint(text).has_value();
  const auto words = config::split_command(text);
  if (words)
    for (const auto& word : *words) fuzz::touch(word);
  ++(some ? values : refused_values);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  if (input.byte() % 2 == 0)
    read_file(std::string(input.rest()));
  else
    read_value(input.rest());
  return 0;
}

std::vector<std::string> llrun::fuzz::seeds() {
  std::vector<std::string> seeds{std::string(1, '\0') +
                                 R"(# what one writes
name = home
after = 5s
max-io = 3.5
strategy = exec:/usr/bin/mine
lease = 30s
levelling = off
level-list = povray "a b" c\ d
log-level = warn
[nodes]
b = ssh b.example.org llrund --stdio
c = srun --overlap -w 'c' llrund --stdio   # a comment
[guests]
max = 4
memory = 2048
cpu = 1.5
nice = 10
[hints]
povray = long
ls = never
/usr/bin/cc = 90s
[strategy]
margin = 2
)"};
  for (const char* value : {"5s", "500ms", "10min", "2h", "3.5", "-1", "on", "never", "90",
                            "ssh 'a b' \"c\\\"d\" e\\ f", "1e-3", "0x10"})
    seeds.push_back(std::string(1, '\1') + value);
  return seeds;
}
