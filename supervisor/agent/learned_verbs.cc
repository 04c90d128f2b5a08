#include "supervisor/agent/learned_verbs.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace llrun::agent {
namespace {

using nlohmann::ordered_json;
using protocol::Answer;

constexpr int kSchema = 1;

std::string dump(const ordered_json& object) {
  return object.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

// Rows are lines of text; llrunctl asks for the JSON it wants to show instead.
struct Lines {
  std::string text;
  std::vector<ordered_json> objects;
  void add(const std::string& line, ordered_json object) {
    text += line + "\n";
    objects.push_back(std::move(object));
  }
};

// A long answer is longer than a packet: lines go before it (docs/agent.md).
void answer(const Lines& lines, bool json, const std::string& last, const control::Reply& reply) {
  protocol::Row row;
  if (json) {
    for (const auto& object : lines.objects) {
      row.set_line(dump(object));
      reply.row(row);
    }
    return reply.done();
  }
  std::string::size_type at = 0;
  while (at < lines.text.size()) {
    const auto end = lines.text.find('\n', at);
    row.set_line(lines.text.substr(at, end - at));
    reply.row(row);
    at = end + 1;
  }
  reply.done(last);
}

bool take_json(std::vector<std::string>& words) { return std::erase(words, "--json") > 0; }

void usage(const Error& error, const control::Reply& reply) {
  Answer no;
  no.set_status(Answer::STATUS_USAGE);
  no.set_text(error.attempted);
  reply.answer(no);
}

// A setting as it is now: as it was given, else its default.
double value_of(const policies::StrategySetting& setting, const Strategies& strategies) {
  const auto& numbers = strategies.options().numbers;
  const auto given = numbers.find(setting.name);
  return given == numbers.end() ? setting.default_value : given->second;
}

void add_builtin(const policies::StrategyInfo& info, const Strategies& strategies, Lines& lines) {
  const bool decides = info.name == strategies.name();
  ordered_json settings = ordered_json::object();
  std::string text = fmt::format("{} {:<17} {}", decides ? "*" : " ", info.name, info.summary);
  for (const auto& setting : info.settings) {
    const double value = decides ? value_of(setting, strategies) : setting.default_value;
    settings[std::string(setting.name)] = value;
    if (decides) text += fmt::format("\n    {} = {:g}: {}", setting.name, value, setting.meaning);
  }
  lines.add(text, {{"schema", kSchema},
                   {"strategy", info.name},
                   {"decides", decides},
                   {"summary", info.summary},
                   {"settings", settings},
                   {"trouble", ""}});
}

void show_strategies(const Strategies& strategies, bool json, const control::Reply& reply) {
  Lines lines;
  for (const auto& info : policies::builtin_strategies()) add_builtin(info, strategies, lines);
  if (strategies.name().starts_with("exec:")) {
    const auto trouble = strategies.trouble();
    lines.add("* " + strategies.name() + (trouble.empty() ? "" : "\n    " + trouble),
              {{"schema", kSchema},
               {"strategy", strategies.name()},
               {"decides", true},
               {"summary", "a program of your own"},
               {"settings", ordered_json::object()},
               {"trouble", trouble}});
  }
  answer(lines, json, "", reply);
}

std::string last_run(std::int64_t seconds) {
  const auto when = static_cast<std::time_t>(seconds);
  tm local{};
  ::localtime_r(&when, &local);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", &local);
  return text;
}

bool is_meant(const history::HistoryRow& row, const std::string& program) {
  const auto& path = row.key.path;
  return program.empty() || path == program || path.substr(path.rfind('/') + 1) == program;
}

void add_row(const history::HistoryRow& row, const policies::Hint* hint, Lines& lines) {
  constexpr double kMiB = 1048576;
  const auto& history = row.history;
  const double half = history.cpu_s.quantile(0.5), most = history.cpu_s.quantile(0.9);
  std::string text = fmt::format(
      "{} {}\n    {} runs, the last {}; CPU median {:.3g} s, 90 % below {:.3g} s; memory median "
      "{:.0f} MiB; files {:.2g} MiB/s",
      row.key.path, row.key.build_id.empty() ? "(no build-id)" : row.key.build_id.substr(0, 12),
      row.runs, last_run(row.last_run_s), half, most, history.rss_bytes.quantile(0.5) / kMiB,
      history.io_bytes_per_s.mean() / kMiB);
  ordered_json remaining = ordered_json::object();
  for (const double age : {1.0, 10.0, 100.0}) {
    const double left = policies::remaining_cpu_s(&history, age);
    remaining[fmt::format("{:g}", age)] = left;
    text += fmt::format("{} {:.3g} s after {:g} s", age == 1 ? "\n    expected to run on:" : ",",
                        left, age);
  }
  if (hint != nullptr)
    text += hint->never ? "\n    a hint says never"
                        : fmt::format("\n    a hint says {:g} s", hint->expected_s.value_or(0));
  lines.add(text, {{"schema", kSchema},
                   {"path", row.key.path},
                   {"build_id", row.key.build_id},
                   {"runs", row.runs},
                   {"last_run_s", row.last_run_s},
                   {"cpu_s_median", half},
                   {"cpu_s_90", most},
                   {"rss_bytes_median", history.rss_bytes.quantile(0.5)},
                   {"io_bytes_per_s_mean", history.io_bytes_per_s.mean()},
                   {"home_calls_per_s_mean", history.home_calls_per_s.mean()},
                   {"remaining_cpu_s", remaining},
                   {"never", hint != nullptr && hint->never}});
}

}  // namespace

void strategy_verb(Strategies& strategies, EventLog& log, const std::vector<std::string>& given,
                   const control::Reply& reply) {
  auto words = given;
  const bool json = take_json(words);
  if (words.empty()) return show_strategies(strategies, json, reply);
  // A program's words are one name: exec:/path and its arguments.
  std::string name = words[0];
  std::vector<std::string> settings(words.begin() + 1, words.end());
  if (name.starts_with("exec:")) {
    for (const auto& word : settings) name += " " + word;
    settings.clear();
  }
  auto options = parse_settings(settings);
  if (!options) return usage(options.error(), reply);
  if (const auto changed = strategies.change(name, *std::move(options)); !changed)
    return usage(changed.error(), reply);
  const auto words_said = fmt::format(
      "{} decides from now on, until this agent ends: strategy = {} in llrun.conf keeps it", name,
      name);
  log.add(words_said);
  reply.done(words_said);
}

void history_verb(Experience& experience, const std::vector<std::string>& given,
                  const control::Reply& reply) {
  auto words = given;
  const bool json = take_json(words);
  const std::string program = words.empty() ? "" : words[0];
  Lines lines;
  for (const auto& row : experience.history().all())
    if (is_meant(row, program)) add_row(row, experience.hint(row.key.path), lines);
  const auto& trouble = experience.history().trouble();
  if (!lines.objects.empty()) return answer(lines, json, trouble, reply);
  if (program.empty())
    return answer(lines, json, trouble.empty() ? "nothing has run here yet" : trouble, reply);
  reply.refused(program + " has not run under llrun on this machine" +
                (trouble.empty() ? "" : "; " + trouble));
}

}  // namespace llrun::agent
