#include "supervisor/home/view_terms.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "tracer/procfs/fd_table.h"
#include "tracer/procfs/fdinfo.h"
#include "tracer/procfs/smaps.h"

namespace llrun {

using homefs::KeptBack;

KeptBack::Rules rules_of(const config::KeptFiles& kept) {
  using Paths = std::vector<std::string>;
  KeptBack::Rules rules{kept.hide.value_or(Paths()), kept.read_only.value_or(Paths()),
                        kept.only.value_or(Paths())};
  rules.hide.emplace_back("/proc");
  return rules;
}

namespace {

constexpr std::string_view kDeleted = " (deleted)";

// What the kernel itself has made shows as a file that nobody ever had a name for (mm/shmem.c,
// mm/memfd.c, ipc/shm.c): it is none of the user's.
bool has_never_had_a_name(const std::string& link) {
  for (const char* name : {"/dev/zero (deleted)", "/memfd:", "/SYSV", "/anon_hugepage"})
    if (link.starts_with(name) && link.ends_with(kDeleted)) return true;
  return false;
}

// Of an open or mapped file, by its link of /proc. One that has lost its name, or is really named
// so, is kept back by either name.
KeptBack::Verdict verdict_of_link(const KeptBack& kept_back, const std::string& link,
                                  KeptBack::Use use) {
  if (!link.starts_with('/') || has_never_had_a_name(link)) return {};
  auto verdict = kept_back.verdict(link, use);
  if (verdict.errno_value == 0 && link.ends_with(kDeleted))
    verdict = kept_back.verdict(link.substr(0, link.size() - kDeleted.size()), use);
  return verdict;
}

// What is open in the process filesystem keeps the program at home by itself, until it is closed
// (tracer/objects/files.cc): to say that [view] does would send its user to look for a rule.
dev_t process_filesystem() {
  struct stat about {};
  return ::stat("/proc", &about) == 0 ? about.st_dev : 0;
}

// Without what a terminal would take as a command.
std::string shown(const std::string& path) {
  const bool plain = std::ranges::none_of(path, [](unsigned char c) { return c < 32 || c == 127; });
  return plain ? path : fmt::format("{:?}", path);
}

}  // namespace

std::optional<std::string> why_not_with_its_files(HostPid program, const KeptBack& kept_back) {
  const dev_t proc = process_filesystem();
  for (const auto& link : tracer::read_fd_links(program).value_or(std::vector<tracer::FdLink>())) {
    const auto info = tracer::read_fdinfo(program, link.fd);
    const bool writes = info && (info->flags & O_ACCMODE) != O_RDONLY;
    const auto about = tracer::stat_fd(program, link.fd);
    if (!about || !S_ISREG(about->st_mode) || about->st_dev == proc) continue;
    const auto verdict = verdict_of_link(kept_back, link.text,
                                         writes ? KeptBack::Use::kWrite : KeptBack::Use::kRead);
    if (verdict.errno_value != 0)
      return fmt::format("the program has {} open (fd {}), which [view] keeps from that node ({})",
                         link.text, link.fd, verdict.rule);
  }
  for (const auto& mapping : tracer::read_maps(program).value_or(std::vector<tracer::MapEntry>())) {
    const auto verdict = verdict_of_link(kept_back, mapping.name, KeptBack::Use::kRead);
    if (verdict.errno_value != 0)
      return fmt::format("the program has {} mapped, which [view] keeps from that node ({})",
                         mapping.name, verdict.rule);
  }
  return std::nullopt;
}

std::string why_at_home(const KeptBack& kept_back, const PathEnd& file, KeptBack::Use use) {
  const std::string& path = file.at;
  if (!file.in_world.empty() || path.empty()) return {};
  const bool nothing_to_read = S_ISDIR(file.mode) || file.errno_value != 0;
  if (use == KeptBack::Use::kRead && nothing_to_read) return {};
  const auto verdict = kept_back.verdict(path, use);
  if (verdict.errno_value == 0) return {};
  return fmt::format("{} {}, which [view] keeps from the node ({})",
                     use == KeptBack::Use::kRead ? "it opens" : "it changes", path, verdict.rule);
}

FilesText text_of(const homefs::FileUses& uses) {
  FilesText out;
  for (const auto& row : uses.rows()) {
    const std::string path = row.path.empty() ? "(further files)" : shown(row.path);
    out.text +=
        fmt::format("{:>8} {:>12} {:>12}  {}{}\n", row.opened, row.read, row.written, path,
                    row.refused == 0 ? "" : fmt::format("  (refused {} times)", row.refused));
    const nlohmann::json line{{"path", row.path},
                              {"opened", row.opened},
                              {"read_bytes", row.read},
                              {"written_bytes", row.written},
                              {"refused", row.refused}};
    out.json += line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  }
  if (out.text.empty()) return {"it has used no file of this node's while it was away\n", ""};
  out.text = fmt::format("{:>8} {:>12} {:>12}  {}\n", "opened", "bytes read", "written", "file") +
             out.text;
  return out;
}

}  // namespace llrun
