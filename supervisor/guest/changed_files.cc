#include "supervisor/guest/changed_files.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "tracer/calls/call_table.h"
#include "tracer/objects/memory.h"

namespace llrun {
namespace {

// Calls about what has a name, rather than about the file behind a symbolic link of that name.
constexpr std::array<std::string_view, 16> kOfNames{
    "mkdir",     "mkdirat",      "rmdir",    "unlink",    "unlinkat", "symlink",
    "symlinkat", "rename",       "renameat", "renameat2", "link",     "lchown",
    "lsetxattr", "lremovexattr", "mknod",    "mknodat"};

bool follows(const CallRow& row, const NotifiedCall& call) {
  if (row.name == "linkat") return (call.args[4] & AT_SYMLINK_FOLLOW) != 0;
  if (std::ranges::find(kOfNames, row.name) != kOfNames.end()) return false;
  for (std::size_t i = 0; i < row.args.size(); ++i)
    if (row.args[0] == ArgKind::kDirFd && row.args[i] == ArgKind::kFlags)
      return (call.args[i] & AT_SYMLINK_NOFOLLOW) == 0;
  return true;
}

}  // namespace

Result<std::vector<ChangedFile>> changed_files(HostPid guest, const NotifiedCall& call) {
  const CallRow* row = find_call(call.number);
  if (row == nullptr)
    return failure(ErrorCode::kUnsupported, "a call that the table does not have");
  ChangedFile file;
  file.follow = follows(*row, call);
  if (row->decision == Decision::kPathMove) file.use = protocol::Classify::USE_MOVE;
  if (row->name == "truncate") file.use = protocol::Classify::USE_WRITE;
  std::vector<ChangedFile> files;
  for (std::size_t i = 0; i < row->args.size(); ++i) {
    if (row->args[i] != ArgKind::kPath && row->args[i] != ArgKind::kFd) continue;
    const bool relative = i > 0 && row->args[i - 1] == ArgKind::kDirFd;
    file.directory = AT_FDCWD;
    file.path.clear();
    if (row->args[i] == ArgKind::kFd) {
      file.directory = static_cast<int>(call.args[i]);
    } else {
      if (relative) file.directory = static_cast<int>(call.args[i - 1]);
      // Without a path the file is the descriptor's (utimensat(2), AT_EMPTY_PATH).
      if (call.args[i] != 0 || !relative) {
        LLRUN_TRY_ASSIGN(file.path, tracer::read_string(guest, {call.args[i]}));
      }
    }
    files.push_back(file);
  }
  return files;
}

}  // namespace llrun
