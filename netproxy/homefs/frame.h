// Frame: one message of /dev/fuse, whole and opaque, on its way between a peer's kernel and home.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace llrun::homefs {

// Data of one request or reply: the kernel's own bound for 256 pages (fuse.h, FUSE_MAX_MAX_PAGES).
inline constexpr std::size_t kMaxData = 1U << 20;
// A frame is at most that and its headers. Whoever receives frames refuses longer ones.
inline constexpr std::size_t kMaxFrame = kMaxData + 4096;

// Growing a frame leaves the new bytes as they are: they are about to be read into.
template <typename T>
struct UninitializedAllocator : std::allocator<T> {
  template <typename U>
  struct rebind {
    using other = UninitializedAllocator<U>;
  };
  template <typename U, typename... Args>
  void construct(U* at, Args&&... args) {
    if constexpr (sizeof...(Args) == 0)
      ::new (static_cast<void*>(at)) U;
    else
      ::new (static_cast<void*>(at)) U(std::forward<Args>(args)...);
  }
};

using Frame = std::vector<std::byte, UninitializedAllocator<std::byte>>;

}  // namespace llrun::homefs
