// Homes: the mirror of Door's word about guests. A guest here that does not reach its home is kept
// until home's agent, which its journey began with, says that the journey is over; and what other
// nodes ask so about programs of this home is answered.
#pragma once

#include <memory>
#include <string>

#include "supervisor/agent/event_log.h"
#include "supervisor/agent/peers.h"
#include "supervisor/agent/processes.h"
#include "supervisor/protocol/agent.pb.h"

namespace llrun::agent {

class Homes {
 public:
  static constexpr std::chrono::seconds kPeriod{3};

  Homes(Processes& processes, Peers& peers, const protocol::Origin& origin)
      : processes_(processes), peers_(peers), origin_(origin) {}

  // Asks for each guest that waits; over the channels that there are, whoever opened them.
  void look();
  // About a program of this home.
  [[nodiscard]] protocol::Holding holding_of(const std::string& job, std::uint32_t epoch) const;

 private:
  void ask(const protocol::ProcessReport& guest);
  void pass_on(const std::string& job, std::uint32_t epoch, const protocol::Holding& said);

  Processes& processes_;
  Peers& peers_;
  const protocol::Origin& origin_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();
};

}  // namespace llrun::agent
