// Gate: what a server tells its owner, until the owner is gone: threads that still wait for a file
// by then have nobody to tell.
#pragma once

#include <mutex>
#include <shared_mutex>
#include <utility>

namespace llrun::homefs {

class Gate {
 public:
  // Run `tell`, unless the gate is closed; close() waits for it.
  template <typename Tell>
  void pass(Tell&& tell) {
    const std::shared_lock lock(mutex_);
    if (open_) std::forward<Tell>(tell)();
  }
  void close() {
    const std::unique_lock lock(mutex_);
    open_ = false;
  }

 private:
  std::shared_mutex mutex_;
  bool open_ = true;
};

}  // namespace llrun::homefs
