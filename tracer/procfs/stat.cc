#include "tracer/procfs/stat.h"

#include "base/fd.h"
#include "tracer/procfs/text.h"

namespace llrun::tracer {
namespace {

Result<Stat> read(const std::string& path) {
  const auto text = read_whole_file(path);
  if (!text && (text.error().errno_value == ENOENT || text.error().errno_value == ESRCH))
    return failure(ErrorCode::kGone, "read " + path);
  if (!text) return std::unexpected(text.error());
  return parse_stat(*text);
}

}  // namespace

Result<Stat> parse_stat(std::string_view text) {
  // The name, field 2, may hold anything; the last parenthesis ends it.
  const auto name_end = text.rfind(')');
  if (name_end == std::string_view::npos) return failure(ErrorCode::kProtocol, "understand stat");
  const auto words = split_words(trim(text.substr(name_end + 1)));
  constexpr std::size_t kFirst = 3;  // the number of the field in words[0]
  if (words.size() + kFirst <= 51)
    return failure(ErrorCode::kProtocol, "understand stat: too short");
  const auto number = [&]<typename T>(std::size_t field, T& into) {
    into = parse_number<T>(words[field - kFirst]).value_or(0);
  };
  Stat stat;
  stat.state = words[0].empty() ? '?' : words[0][0];
  number(4, stat.parent);
  number(5, stat.group);
  number(6, stat.session);
  number(7, stat.terminal);
  number(9, stat.flags);
  number(19, stat.nice);
  number(20, stat.threads);
  number(26, stat.start_code);
  number(27, stat.end_code);
  number(28, stat.start_stack);
  number(39, stat.processor);
  number(45, stat.start_data);
  number(46, stat.end_data);
  number(47, stat.start_brk);
  number(48, stat.arg_start);
  number(49, stat.arg_end);
  number(50, stat.env_start);
  number(51, stat.env_end);
  return stat;
}

Result<Stat> read_stat(HostPid pid) { return read("/proc/" + std::to_string(pid.value) + "/stat"); }

Result<Stat> read_stat(HostPid pid, HostTid tid) {
  return read("/proc/" + std::to_string(pid.value) + "/task/" + std::to_string(tid.value) +
              "/stat");
}

}  // namespace llrun::tracer
