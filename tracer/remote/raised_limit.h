// RaisedLimit: while it lives, a process may use as much of a resource as its hard limit allows.
//
// Whoever restores a process needs a descriptor or two of its table for himself, and it may have
// more of something than its own soft limit allows: numbers beyond it, say, if it has lowered that
// since.
#pragma once

#include <sys/resource.h>

#include "base/ids.h"

namespace llrun::tracer {

class RaisedLimit {
 public:
  RaisedLimit(HostPid pid, __rlimit_resource resource);
  ~RaisedLimit();
  RaisedLimit(const RaisedLimit&) = delete;
  RaisedLimit& operator=(const RaisedLimit&) = delete;

 private:
  HostPid pid_;
  __rlimit_resource resource_;
  bool raised_ = false;
  rlimit before_{};
};

}  // namespace llrun::tracer
