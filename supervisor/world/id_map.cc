#include "supervisor/world/id_map.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/spawn.h"

namespace llrun::world {
namespace {

constexpr std::uint32_t kOrdinaryIds = 65536;

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string_view next_field(std::string_view& line, char separator) {
  const auto end = line.find(separator);
  const auto field = line.substr(0, end);
  line = end == std::string_view::npos ? std::string_view() : line.substr(end + 1);
  return field;
}

// Hands out subordinate ids in order, in as long stretches as there are.
class Pool {
 public:
  explicit Pool(const std::vector<SubordinateRange>& ranges) : ranges_(ranges) {}
  bool map(std::uint32_t inside, std::uint32_t count, std::vector<IdExtent>& extents) {
    while (count > 0) {
      while (at_ < ranges_.size() && ranges_[at_].count == 0) ++at_;
      if (at_ == ranges_.size()) return false;
      auto& range = ranges_[at_];
      const std::uint32_t taken = std::min(count, range.count);
      extents.push_back({inside, range.first, taken});
      range.first += taken;
      range.count -= taken;
      inside += taken;
      count -= taken;
    }
    return true;
  }

 private:
  std::vector<SubordinateRange> ranges_;
  std::size_t at_ = 0;
};

std::string user_name(uid_t uid) {
  passwd entry{}, *found = nullptr;
  std::vector<char> buffer(16384);
  if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
    return {};
  return found->pw_name;
}

// newuidmap(1) and newgidmap(1) are set-user-ID and check /etc/subuid themselves.
bool run_mapper(const char* program, HostPid process, const std::vector<IdExtent>& extents) {
  std::vector<std::string> words{program, std::to_string(process.value)};
  for (const auto& extent : extents)
    for (const auto value : {extent.inside, extent.outside, extent.count})
      words.push_back(std::to_string(value));
  Spawn mapper;
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) mapper.give_null(fd, O_RDWR);
  const auto pid = mapper.close_from(3).run(words);
  int status = 0;
  return pid && ::waitpid(*pid, &status, 0) == *pid && status == 0;
}

Result<> write_proc(HostPid process, const char* file, const std::string& text) {
  const std::string path = "/proc/" + std::to_string(process.value) + "/" + file;
  LLRUN_TRY_ASSIGN(const Fd fd, open_file(path, O_WRONLY));
  if (auto written = write_all(fd.get(), bytes_of(text)); !written)
    return system_error("write " + path, written.error().errno_value);
  return {};
}

Result<> write_single(HostPid process, const char* file, std::uint32_t inside,
                      std::uint32_t outside) {
  return write_proc(process, file, std::to_string(inside) + " " + std::to_string(outside) + " 1\n");
}

// One of the two kinds: users and groups differ only in names.
struct Kind {
  const char* subordinate_file;
  const char* mapper;
  const char* noun;
};
constexpr Kind kUsers{"/etc/subuid", "newuidmap", "user"};
constexpr Kind kGroups{"/etc/subgid", "newgidmap", "group"};

bool write_all_ids(const Kind& kind, HostPid process, std::uint32_t own_inside,
                   std::uint32_t own_outside, const std::vector<std::uint32_t>& extra,
                   std::string& warning) {
  const auto text = read_whole_file(kind.subordinate_file);
  const auto ranges =
      parse_subordinate(text ? *text : std::string(), user_name(::getuid()), ::getuid());
  auto extents = plan_all_ids(own_inside, own_outside, extra, ranges);
  if (extents.empty() && !extra.empty())
    extents = plan_all_ids(own_inside, own_outside, {}, ranges);
  if (!extents.empty() && run_mapper(kind.mapper, process, extents)) return true;
  if (!warning.empty()) warning += "; ";
  warning += std::string("other ") + kind.noun + "s show as nobody (" +
             (extents.empty()
                  ? std::string("this node gives its user no 65536 ids in ") + kind.subordinate_file
                  : std::string(kind.mapper) + " refuses") +
             ")";
  return false;
}

}  // namespace

std::vector<SubordinateRange> parse_subordinate(std::string_view text, std::string_view user_name,
                                                std::uint32_t uid) {
  std::vector<SubordinateRange> ranges;
  const std::string uid_text = std::to_string(uid);
  while (!text.empty()) {
    auto line = next_field(text, '\n');
    const auto owner = next_field(line, ':');
    const auto first = number(next_field(line, ':'));
    const auto count = number(line);
    const bool ours = owner == uid_text || (!user_name.empty() && owner == user_name);
    if (ours && first && count && *count <= UINT32_MAX - *first) ranges.push_back({*first, *count});
  }
  return ranges;
}

std::vector<IdExtent> plan_all_ids(std::uint32_t own_inside, std::uint32_t own_outside,
                                   const std::vector<std::uint32_t>& extra,
                                   const std::vector<SubordinateRange>& ranges) {
  std::vector<IdExtent> extents{{own_inside, own_outside, 1}};
  Pool pool(ranges);
  const std::uint32_t below = std::min(own_inside, kOrdinaryIds);
  if (!pool.map(0, below, extents)) return {};
  if (own_inside < kOrdinaryIds - 1 &&
      !pool.map(own_inside + 1, kOrdinaryIds - own_inside - 1, extents))
    return {};
  for (const auto id : std::set<std::uint32_t>(extra.begin(), extra.end()))
    if (id >= kOrdinaryIds && id != own_inside && !pool.map(id, 1, extents)) return {};
  return extents;
}

Result<IdOutcome> write_id_maps(HostPid process, const IdRequest& request) {
  IdOutcome outcome;
  outcome.all_users = write_all_ids(kUsers, process, request.uid, ::geteuid(), {}, outcome.warning);
  if (!outcome.all_users) LLRUN_TRY(write_single(process, "uid_map", request.uid, ::geteuid()));
  outcome.all_groups =
      write_all_ids(kGroups, process, request.gid, ::getegid(), request.groups, outcome.warning);
  if (!outcome.all_groups) {
    // An ordinary user may write a group map only after giving up setgroups(2): user_namespaces(7).
    LLRUN_TRY(write_proc(process, "setgroups", "deny"));
    LLRUN_TRY(write_single(process, "gid_map", request.gid, ::getegid()));
  }
  return outcome;
}

}  // namespace llrun::world
