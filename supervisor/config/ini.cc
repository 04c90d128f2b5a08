#include "supervisor/config/ini.h"

#include <boost/program_options.hpp>
#include <sstream>

namespace llrun::config {
namespace {

namespace po = boost::program_options;

// Boost's parser knows no line numbers, so each line is parsed by itself, below the section it
// stands in.
Result<std::vector<Setting>> parse_line(const std::string& where, const std::string& section,
                                        const std::string& line) {
  std::istringstream text(section + "\n" + line + "\n");
  std::vector<Setting> settings;
  try {
    const auto parsed = po::parse_config_file(text, po::options_description(), true);
    for (const auto& option : parsed.options)
      settings.push_back({option.string_key, option.value.empty() ? "" : option.value.front(), 0});
  } catch (const po::error&) {
    return failure(ErrorCode::kInvalid,
                   where + ": this is neither [section] nor key = value: " + line);
  }
  return settings;
}

bool is_section(const std::string& line) {
  const auto first = line.find_first_not_of(" \t");
  const auto last = line.find_last_not_of(" \t\r", line.find('#') - 1);
  return first != std::string::npos && line[first] == '[' && last != std::string::npos &&
         line[last] == ']';
}

}  // namespace

Result<std::vector<Setting>> parse_ini(const std::string& file, const std::string& text) {
  std::vector<Setting> settings;
  std::istringstream lines(text);
  std::string section;
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto where = file + ":" + std::to_string(++number);
    if (is_section(line)) section = line;
    LLRUN_TRY_ASSIGN(auto found, parse_line(where, is_section(line) ? "" : section, line));
    for (auto& setting : found) {
      setting.line = number;
      settings.push_back(std::move(setting));
    }
  }
  return settings;
}

}  // namespace llrun::config
