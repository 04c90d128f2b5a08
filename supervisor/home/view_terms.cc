#include "supervisor/home/view_terms.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

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

std::optional<std::string> why_not_with_its_files(HostPid program, const KeptBack& kept_back) {
  const auto says = [&](const std::string& path, KeptBack::Use use) {
    return path.starts_with('/') ? kept_back.verdict(path, use) : KeptBack::Verdict{};
  };
  for (const auto& link : tracer::read_fd_links(program).value_or(std::vector<tracer::FdLink>())) {
    const auto info = tracer::read_fdinfo(program, link.fd);
    const bool writes = info && (info->flags & O_ACCMODE) != O_RDONLY;
    const auto about = tracer::stat_fd(program, link.fd);
    if (!about || !S_ISREG(about->st_mode)) continue;
    const auto verdict = says(link.text, writes ? KeptBack::Use::kWrite : KeptBack::Use::kRead);
    if (verdict.errno_value != 0)
      return fmt::format("the program has {} open (fd {}), which [view] keeps from that node ({})",
                         link.text, link.fd, verdict.rule);
  }
  for (const auto& mapping : tracer::read_maps(program).value_or(std::vector<tracer::MapEntry>())) {
    const auto verdict = says(mapping.name, KeptBack::Use::kRead);
    if (verdict.errno_value != 0)
      return fmt::format("the program has {} mapped, which [view] keeps from that node ({})",
                         mapping.name, verdict.rule);
  }
  return std::nullopt;
}

std::string why_at_home(const KeptBack& kept_back, const PathEnd& file, KeptBack::Use use) {
  const std::string& path = file.at;
  if (!file.in_world.empty() || path.empty()) return {};
  if (S_ISDIR(file.mode) && use == KeptBack::Use::kRead) return {};
  const auto verdict = kept_back.verdict(path, use);
  if (verdict.errno_value == 0) return {};
  return fmt::format("{} {}, which [view] keeps from the node ({})",
                     use == KeptBack::Use::kRead ? "it opens" : "it changes", path, verdict.rule);
}

FilesText text_of(const homefs::FileUses& uses) {
  FilesText out;
  for (const auto& row : uses.rows()) {
    const std::string path = row.path.empty() ? "(further files)" : row.path;
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
