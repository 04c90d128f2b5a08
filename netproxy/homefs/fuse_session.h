// FuseSession: libfuse's session over frames in memory instead of /dev/fuse.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "netproxy/homefs/home_view.h"

namespace llrun::homefs {

class FuseSession {
 public:
  // `view` gets its session, and outlives this.
  [[nodiscard]] static Result<std::unique_ptr<FuseSession>> create(HomeView& view);
  ~FuseSession();
  FuseSession(const FuseSession&) = delete;
  FuseSession& operator=(const FuseSession&) = delete;

  // A frame that has passed check_request(). Any thread, several at a time, after INIT alone.
  void process(std::span<std::byte> request);

 private:
  FuseSession() = default;
  static ssize_t send(int fd, iovec* parts, int count, void* view);

  fuse_session* session_ = nullptr;
};

}  // namespace llrun::homefs
