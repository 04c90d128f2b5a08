// Starting the node's agent when somebody needs it and it is not there, as ssh-agent and gpg-agent
// are.
#pragma once

#include <chrono>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace llrun::control {

struct AgentProgram {
  std::string llrund;  // empty: beside this program
  std::string node;
};

// An agent under way. `ready` becomes readable when it listens, or has found another that does, or
// has failed.
struct StartingAgent {
  Fd ready;
  int pid = 0;  // of the child that brings it up, reaped by outcome()

  // After `ready` is readable: what became of it.
  [[nodiscard]] Result<> outcome();
  // Waits for that, and says so when it takes longer than `limit`.
  [[nodiscard]] Result<> wait(std::chrono::milliseconds limit = std::chrono::seconds(20));
};

// Runs `llrund --background --name NODE`; the agent proper is nobody's child and in a session of
// its own.
[[nodiscard]] Result<StartingAgent> start_agent(const AgentProgram& program);

// What llrund writes to the descriptor given by --ready-fd; anything else is the reason of its
// failure.
inline constexpr const char* kAgentReady = "ready\n";

}  // namespace llrun::control
