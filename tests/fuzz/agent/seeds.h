// Well-formed inputs of the agent's fuzzer: the first byte says what the rest is.
#pragma once

namespace llrun::fuzz {

enum AgentInput : unsigned char {
  kLoads,   // pieces: AgentMessages of as many peers
  kHello,   // a Hello of a visitor
  kStream,  // frames on a link of two agents
  kAgentInputs,
};

}  // namespace llrun::fuzz
