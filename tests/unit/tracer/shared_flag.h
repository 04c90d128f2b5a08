// A flag that a child which is forked from here on shares, and can wait for without a system call.
#pragma once

#include <sys/mman.h>

#include <atomic>
#include <stdexcept>

namespace llrun::tracer {

class SharedFlag {
 public:
  SharedFlag() {
    if (memory_ == MAP_FAILED) throw std::runtime_error("no memory to share with a child");
  }
  SharedFlag(const SharedFlag&) = delete;
  SharedFlag& operator=(const SharedFlag&) = delete;
  ~SharedFlag() { ::munmap(memory_, sizeof(std::atomic<bool>)); }
  [[nodiscard]] std::atomic<bool>& operator*() const {
    return *static_cast<std::atomic<bool>*>(memory_);
  }

 private:
  void* memory_ = ::mmap(nullptr, sizeof(std::atomic<bool>), PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
};

}  // namespace llrun::tracer
