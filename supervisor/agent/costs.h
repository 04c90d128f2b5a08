// Costs: what this node's moves have cost, and so what the next one will.
//
// How long a program stood still is taken to grow with what had to travel: freeze = a + b * bytes,
// fitted to the moves so far, older ones counting less. What each link really carries is kept too.
// All of it comes from the reports of supervisors; it is kept in a file, since moves are rare.
#pragma once

#include <map>
#include <span>
#include <string>

#include "policies/cost_model.h"
#include "supervisor/agent/processes.h"

namespace llrun::agent {

class Costs {
 public:
  // `file`: where it is kept; empty: nowhere.
  explicit Costs(std::string file);

  // A look at all reports: those of a move not seen before teach something.
  void learn(std::span<const Supervised* const> processes);
  void learn_move(const std::string& node, double freeze_s, double bytes, double transfer_s);

  [[nodiscard]] policies::CostModel model() const;
  [[nodiscard]] double bandwidth(const std::string& node) const;  // MiB/s; 0: not known

 private:
  // Sums of a weighted straight line through (bytes, freeze).
  struct Line {
    double weight = 0, x = 0, y = 0, xx = 0, xy = 0;
    void add(double bytes, double seconds, double of_older);
    [[nodiscard]] double slope() const;
    [[nodiscard]] double intercept() const;
    [[nodiscard]] bool sound() const;  // as add() could have made it
  };
  void read();
  void write() const;

  std::string file_;
  Line line_;
  std::map<std::string, double> bandwidths_;         // node -> MiB/s
  std::map<std::string, std::uint32_t> moves_seen_;  // job -> moves
};

}  // namespace llrun::agent
