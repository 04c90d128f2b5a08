#include "supervisor/home/mapped_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "tracer/objects/mapped_files.h"
#include "tracer/objects/terminals.h"

namespace llrun {
namespace {

using homefs::HomeFileServer;
using FileId = std::pair<std::uint64_t, std::uint64_t>;  // device, inode

std::string without_mark(const std::string& path) {
  constexpr std::string_view kDeleted = " (deleted)";
  return path.ends_with(kDeleted) ? path.substr(0, path.size() - kDeleted.size()) : path;
}

Result<std::uint64_t> add(HomeFileServer& files, Fd file) {
  return files.add_description(std::move(file), HomeFileServer::Offset::kGuest);
}

// The inode's number is home's in the view, too; devices are the world's own.
bool leads_to(const image::Mapping& mapping, const struct stat& named) {
  if (S_ISCHR(named.st_mode)) return tracer::is_plain_device(named.st_rdev);
  return named.st_ino == mapping.inode() && ::access(mapping.path().c_str(), R_OK) == 0;
}

// None: its path leads to the file that was mapped, which may be read.
Result<std::optional<Fd>> nameless(const HomeFileServer& files, const image::Mapping& mapping) {
  struct stat named {};
  if (::stat(mapping.path().c_str(), &named) == 0 && leads_to(mapping, named)) return std::nullopt;
  auto file = files.description_of_file(mapping.inode(), mapping.path());
  if (!file)
    return failure(ErrorCode::kRefused,
                   mapping.path() + " is not the file any more that the program had mapped");
  if (!mapping.shared()) return std::move(*file);
  // What travels of a shared file was opened for reading only: mapped from a descriptor that can
  // write, it could be made writable from now on.
  auto reading = open_file("/proc/self/fd/" + std::to_string(file->get()), O_RDONLY);
  return reading ? std::move(*reading) : std::move(*file);
}

}  // namespace

Result<> describe_nameless_files(HostPid pid, std::span<const Fd> duplicates, HomeFileServer& files,
                                 image::MemoryLayout& layout) {
  std::map<FileId, std::uint64_t> ids;  // 0: copied
  for (auto& mapping : *layout.mutable_mappings()) {
    if (mapping.backing() != image::Mapping::BACKING_FILE_COPIED) continue;
    const FileId which{mapping.device(), mapping.inode()};
    if (!ids.contains(which)) {
      auto file = tracer::nameless_file(pid, mapping, duplicates);
      ids[which] = 0;
      if (file) {
        LLRUN_TRY_ASSIGN(ids[which], add(files, std::move(*file)));
      }
    }
    if (ids[which] == 0) continue;
    mapping.set_backing(image::Mapping::BACKING_FILE);
    mapping.set_file_id(ids[which]);
    mapping.set_path(without_mark(mapping.path()));
  }
  auto executable = tracer::nameless_executable(pid, layout.exe_path());
  if (!executable) return {};
  LLRUN_TRY_ASSIGN(const auto id, add(files, std::move(*executable)));
  layout.set_exe_id(id);
  layout.set_exe_path(without_mark(layout.exe_path()));
  return {};
}

tracer::FileSources sources_at_home(const HomeFileServer& files) {
  tracer::FileSources sources;
  sources.nameless = [&files](const image::Mapping& mapping) { return nameless(files, mapping); };
  return sources;
}

}  // namespace llrun
