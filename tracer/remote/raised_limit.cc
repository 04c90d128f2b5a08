#include "tracer/remote/raised_limit.h"

namespace llrun::tracer {

RaisedLimit::RaisedLimit(HostPid pid, __rlimit_resource resource) : pid_(pid), resource_(resource) {
  if (::prlimit(pid.value, resource, nullptr, &before_) != 0) return;
  const rlimit all{before_.rlim_max, before_.rlim_max};
  raised_ =
      before_.rlim_cur < before_.rlim_max && ::prlimit(pid.value, resource, &all, nullptr) == 0;
}

RaisedLimit::~RaisedLimit() {
  if (raised_) ::prlimit(pid_.value, resource_, &before_, nullptr);
}

}  // namespace llrun::tracer
