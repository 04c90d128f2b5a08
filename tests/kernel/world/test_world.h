// A world with a program in it that answers questions, on a directory in place of the file view.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "supervisor/world/world.h"

namespace llrun::testing {

// Whether this run's user has subordinate ids (the second run of the tests).
[[nodiscard]] bool subordinate_run();

class TestWorld {
 public:
  // Ids and names of home; clocks are set to be far from this node's.
  static protocol::MakeWorld usual();

  explicit TestWorld(const protocol::MakeWorld& make = usual());
  ~TestWorld();

  // Build, failing the test on errors: namespaces and tree, then the guest.
  void build();
  void start_guest();
  std::string ask(const std::string& question);
  std::vector<long> ask_numbers(const std::string& question);

  [[nodiscard]] World& world() { return *world_; }
  [[nodiscard]] HostPid guest() const { return guest_.pid; }
  [[nodiscard]] const Fd& guest_pidfd() const { return guest_.pidfd; }
  [[nodiscard]] const std::string& view() const { return view_; }
  void end();  // destroy the world and look that nothing is left
  // Let go of the answers' pipe: for a guest that is to be killed.
  std::string read_answer();

 private:
  protocol::MakeWorld make_;
  std::string view_;
  std::unique_ptr<World> world_;
  World::Guest guest_;
  Fd ask_, answer_;
};

}  // namespace llrun::testing
