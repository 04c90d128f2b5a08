// A world for tests: a child in user and mount namespaces of its own, with the file view mounted,
// relay and home in this process. Everything as an ordinary user.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/event_loop.h"
#include "netproxy/homefs/file_view_mount.h"
#include "netproxy/homefs/fuse_relay.h"
#include "netproxy/homefs/home_file_server.h"

namespace llrun::homefs::testing {

// Runs in the child: `root` is where home's tree is mounted; "" when it is the child's own root.
// What it returns is what went wrong, "" for nothing.
class Guest;
using GuestBody = std::function<std::string(Guest&)>;

class World {
 public:
  struct Setup {
    HomeFileServer::Options server = {};
    bool pivot = false;  // make the view the child's root, with /proc and /dev over it
    bool keep_capabilities = false;
    // What the parent does when the guest asks (Guest::ask).
    std::function<std::string(World&, const std::string&)> on_ask = {};
    std::function<void(DescriptionId)> on_release = {};
  };
  explicit World(Setup setup) : setup_(std::move(setup)) {}

  // Start a child, serve it until it ends, and return what its body returned, or how it died.
  [[nodiscard]] std::string run(const GuestBody& body);

  [[nodiscard]] HomeFileServer& server() { return *server_; }
  [[nodiscard]] FuseRelay& relay() { return *relay_; }
  [[nodiscard]] pid_t child() const { return child_; }
  [[nodiscard]] std::size_t requests() const { return requests_; }
  void end_relay();  // from on_ask: as if the guest's supervisor had ended

 private:
  void serve(int socket);
  void answer(int socket);
  void start_server();

  Setup setup_;
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<HomeFileServer> server_;
  std::unique_ptr<FuseRelay> relay_;
  pid_t child_ = 0;
  std::size_t requests_ = 0;
  std::string result_ = "the guest ended without a result";
};

class Guest {
 public:
  Guest(std::string root, int socket) : root_(std::move(root)), socket_(socket) {}
  [[nodiscard]] std::string path(const std::string& below) const { return root_ + below; }
  // Have the parent do something and wait for its answer.
  std::string ask(const std::string& question);

 private:
  std::string root_;
  int socket_;
};

// A fresh directory of ours, removed at the end.
class TemporaryTree {
 public:
  TemporaryTree();
  ~TemporaryTree();
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// To be called first in main(): root prepares what only root may and becomes an ordinary user for
// good.
void become_ordinary_user();

}  // namespace llrun::homefs::testing
