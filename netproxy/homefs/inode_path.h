// Where a file of home's is, as far as what is kept back has to know (kept_back.h).
#pragma once

#include <optional>
#include <string>

#include "netproxy/homefs/inode_table.h"

namespace llrun::homefs {

// Without symbolic links and a slash at the end (the root is empty), as home's kernel knows the
// file. One that has lost its last name is still known by it; of one that lies too deep to be named
// it is the path of a directory above it, which is longer than any rule's. None: errno. ESTALE: the
// name that it was looked up by is no longer its own, so that the peer has to look again.
[[nodiscard]] std::optional<std::string> path_of(const InodeTable& inodes, Inode& inode);

}  // namespace llrun::homefs
