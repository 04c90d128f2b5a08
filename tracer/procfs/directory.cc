#include "tracer/procfs/directory.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string_view>

#include "base/fd.h"
#include "tracer/procfs/text.h"

namespace llrun::tracer {
namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

std::string process_path(HostPid pid) { return "/proc/" + std::to_string(pid.value); }

}  // namespace

Result<std::vector<int>> list_numbers(int directory) {
  const int copy = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return system_error("list a directory of /proc");
  const std::unique_ptr<DIR, CloseDirectory> entries(::fdopendir(copy));
  if (entries == nullptr) return system_error("list a directory of /proc");
  std::vector<int> numbers;
  while (const dirent* entry = ::readdir(entries.get()))
    if (const auto number = parse_number<int>(entry->d_name)) numbers.push_back(*number);
  std::ranges::sort(numbers);
  return numbers;
}

Result<std::vector<int>> list_numbers(const std::string& path) {
  auto directory = open_file(path, O_RDONLY | O_DIRECTORY);
  if (!directory && directory.error().errno_value == ENOENT)
    return failure(ErrorCode::kGone, path + " is gone");
  if (!directory) return std::unexpected(directory.error());
  return list_numbers(directory->get());
}

Result<std::vector<HostPid>> list_processes() {
  LLRUN_TRY_ASSIGN(const std::vector<int> numbers, list_numbers("/proc"));
  std::vector<HostPid> pids;
  for (const int number : numbers) pids.push_back(HostPid{number});
  return pids;
}

Result<std::vector<HostTid>> list_threads(HostPid pid) {
  LLRUN_TRY_ASSIGN(const std::vector<int> numbers, list_numbers(process_path(pid) + "/task"));
  std::vector<HostTid> tids;
  for (const int number : numbers) tids.push_back(HostTid{number});
  return tids;
}

Result<std::vector<HostPid>> list_children(HostPid pid) {
  LLRUN_TRY_ASSIGN(const std::vector<HostTid> tids, list_threads(pid));
  std::vector<HostPid> children;
  for (const HostTid tid : tids) {
    const auto text =
        read_whole_file(process_path(pid) + "/task/" + std::to_string(tid.value) + "/children");
    if (!text)
      continue;  // the thread has ended: its children have gone to another of the list, or to init
    for (const auto word : split_words(*text))
      if (const auto child = parse_number<int>(word)) children.push_back(HostPid{*child});
  }
  return children;
}

}  // namespace llrun::tracer
