#include "tracer/procfs/lineage.h"

#include "base/fd.h"
#include "tracer/procfs/text.h"

namespace llrun::tracer {
namespace {

std::string stat_path(HostPid pid) { return "/proc/" + std::to_string(pid.value); }

Result<Lineage> read_stat(const std::string& path) {
  LLRUN_TRY_ASSIGN(const std::string text, read_whole_file(path));
  return parse_lineage(text);
}

}  // namespace

Result<Lineage> parse_lineage(std::string_view stat) {
  const auto open = stat.find('(');
  const auto close = stat.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open)
    return failure(ErrorCode::kProtocol, "stat: no name");
  const auto words = split_words(stat.substr(close + 1));
  if (words.size() < 7) return failure(ErrorCode::kProtocol, "stat: too short");
  const auto parent = parse_number<pid_t>(words[1]);
  const auto group = parse_number<pid_t>(words[2]);
  const auto session = parse_number<pid_t>(words[3]);
  const auto flags = parse_number<std::uint64_t>(words[6]);
  if (!parent || !group || !session || !flags)
    return failure(ErrorCode::kProtocol, "stat: not a number where one should be");
  return Lineage{std::string(stat.substr(open + 1, close - open - 1)),
                 words[0].front(),
                 HostPid{*parent},
                 HostPid{*group},
                 HostPid{*session},
                 *flags};
}

Result<Lineage> read_lineage(HostPid pid) { return read_stat(stat_path(pid) + "/stat"); }

Result<Lineage> read_lineage(HostPid pid, HostTid tid) {
  return read_stat(stat_path(pid) + "/task/" + std::to_string(tid.value) + "/stat");
}

}  // namespace llrun::tracer
