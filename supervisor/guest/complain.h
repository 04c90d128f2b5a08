// What went wrong with a thread of the guest's and nobody can mend: it goes into the log.
#pragma once

#include "base/log.h"
#include "base/result.h"

namespace llrun {

template <typename Value>
void complain(const char* what, const Result<Value>& result) {
  // A thread that was killed meanwhile is met by its end.
  if (!result && result.error().code != ErrorCode::kGone)
    log::error("{}: {}", what, result.error().message());
}

}  // namespace llrun
