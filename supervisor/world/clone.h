// clone3(2) as fork(2), with what glibc's fork has no words for: ids of choice, namespaces,
// siblings.
//
// In the child glibc's idea of its own thread id is the parent's: raise(3) and error-checking
// mutexes are not to be used there. The calling process must have one thread.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace llrun::world {

struct CloneRequest {
  std::uint64_t flags = 0;  // CLONE_NEW*
  pid_t pid = 0;            // the child's id in its innermost pid namespace; 0: the kernel chooses
  bool sibling = false;     // a child of the caller's parent
  int* pidfd = nullptr;     // close-on-exec
};

// As fork(2): 0 in the child, its pid in the parent, -1 and errno.
[[nodiscard]] pid_t clone_process(const CloneRequest& request);

}  // namespace llrun::world
