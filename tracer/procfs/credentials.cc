#include "tracer/procfs/credentials.h"

#include "base/fd.h"
#include "tracer/procfs/text.h"

namespace llrun::tracer {
namespace {

bool take_ids(std::string_view value, std::array<std::uint32_t, 4>& ids) {
  const auto words = split_words(value);
  if (words.size() != ids.size()) return false;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto id = parse_number<std::uint32_t>(words[i]);
    if (!id) return false;
    ids[i] = *id;
  }
  return true;
}

template <typename T>
bool take_number(std::string_view value, T& into, int base = 10) {
  const auto number = parse_number<T>(value, base);
  if (number) into = *number;
  return number.has_value();
}

bool take_groups(std::string_view value, std::vector<std::uint32_t>& groups) {
  for (const auto word : split_words(value)) {
    const auto id = parse_number<std::uint32_t>(word);
    if (!id) return false;
    groups.push_back(*id);
  }
  return true;
}

bool take_line(std::string_view key, std::string_view value, Credentials& it) {
  if (key == "Name") it.name = value;
  if (key == "State") it.state = value.empty() ? '?' : value.front();
  if (key == "PPid") return take_number(value, it.parent);
  if (key == "TracerPid") return take_number(value, it.tracer);
  if (key == "Uid") return take_ids(value, it.uids);
  if (key == "Gid") return take_ids(value, it.gids);
  if (key == "Groups") return take_groups(value, it.groups);
  if (key == "SigPnd" || key == "ShdPnd") {
    std::uint64_t pending = 0;
    if (!take_number(value, pending, 16)) return false;
    it.pending_signals |= pending;
  }
  if (key == "SigBlk") return take_number(value, it.blocked_signals, 16);
  if (key == "CapPrm") return take_number(value, it.permitted_capabilities, 16);
  if (key == "CapEff") return take_number(value, it.effective_capabilities, 16);
  if (key == "Seccomp") return take_number(value, it.seccomp);
  if (key == "Seccomp_filters") return take_number(value, it.seccomp_filters);
  if (key == "CoreDumping") it.core_dumping = value != "0";
  if (key == "x86_Thread_features") it.shadow_stack = value.find("shstk") != std::string_view::npos;
  return true;
}

Result<Credentials> read_status(const std::string& path) {
  LLRUN_TRY_ASSIGN(const std::string text, read_whole_file(path));
  return parse_credentials(text);
}

}  // namespace

Result<Credentials> parse_credentials(std::string_view status) {
  Credentials it;
  for (const auto line : split_lines(status)) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    if (!take_line(line.substr(0, colon), trim(line.substr(colon + 1)), it))
      return failure(ErrorCode::kProtocol,
                     "status: cannot read the line \"" + std::string(line) + "\"");
  }
  if (it.state == '?') return failure(ErrorCode::kProtocol, "status: no state");
  return it;
}

Result<Credentials> read_credentials(HostPid pid) {
  return read_status("/proc/" + std::to_string(pid.value) + "/status");
}

Result<Credentials> read_credentials(HostPid pid, HostTid tid) {
  return read_status("/proc/" + std::to_string(pid.value) + "/task/" + std::to_string(tid.value) +
                     "/status");
}

}  // namespace llrun::tracer
