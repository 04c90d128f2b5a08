// A peer as the server sees it: frames in, frames out, without a kernel between.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fuse.h>
#include <stdlib.h>

#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/result.h"
#include "netproxy/homefs/home_file_server.h"

namespace llrun::homefs {

// For an answer that does not come: far beyond what one takes on any machine.
inline constexpr std::chrono::seconds kLimit{60};

// Has a root of its own in /tmp, with a file in it.
class Peer {
 public:
  Peer() : root_(make_root()) { serve({.root = root_}); }
  ~Peer() {
    server_.reset();
    std::filesystem::remove_all(root_);
  }
  // A server anew, which knows nothing of what the last one has told.
  void serve(const HomeFileServer::Options& options) {
    server_.reset();
    server_ =
        HomeFileServer::start(options, {.send = [this](Frame f) { got(std::move(f)); }}).value();
  }
  template <typename T>
  Result<> send(std::uint32_t opcode, std::uint64_t node, const T& body,
                const std::string& text = {}) {
    fuse_in_header header{};
    header.opcode = opcode;
    header.nodeid = node;
    header.unique = ++unique_ * 2;
    header.len = static_cast<std::uint32_t>(sizeof header + sizeof body + text.size());
    Frame frame(header.len);
    std::memcpy(frame.data(), &header, sizeof header);
    std::memcpy(frame.data() + sizeof header, &body, sizeof body);
    std::memcpy(frame.data() + sizeof header + sizeof body, text.data(), text.size());
    return server_->submit(std::move(frame));
  }
  Result<> begin() {
    fuse_init_in init{};
    init.major = FUSE_KERNEL_VERSION;
    init.minor = FUSE_KERNEL_MINOR_VERSION;
    init.flags = 0xFFFFFFFFU;
    init.flags2 = 0xFFFFFFFFU;
    return send(FUSE_INIT, 0, init);
  }
  Frame next() {
    std::unique_lock lock(mutex_);
    if (!arrived_.wait_for(lock, kLimit, [this] { return !frames_.empty(); })) {
      ADD_FAILURE() << "no answer came";
      return Frame(1 << 16);  // as long as any that is looked into
    }
    auto frame = std::move(frames_.front());
    frames_.pop_front();
    return frame;
  }
  int next_error() {
    const auto frame = next();
    fuse_out_header header;
    std::memcpy(&header, frame.data(), sizeof header);
    return -header.error;
  }
  HomeFileServer& server() { return *server_; }
  [[nodiscard]] const std::string& root() const { return root_; }

 private:
  static std::string make_root() {
    std::string path = "/tmp/llrun-homefs-XXXXXX";
    LLRUN_CHECK(::mkdtemp(path.data()) != nullptr, path);
    std::ofstream(path + "/file") << "content";
    return path;
  }
  void got(Frame frame) {
    const std::lock_guard lock(mutex_);
    frames_.push_back(std::move(frame));
    arrived_.notify_one();
  }

  std::string root_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Frame> frames_;
  std::uint64_t unique_ = 0;
  std::unique_ptr<HomeFileServer> server_;
};

}  // namespace llrun::homefs
