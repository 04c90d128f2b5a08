# The node agent: one per user and node.
llrun_library(llrun_agent
  SOURCES agent/event_log.cc agent/hello_reader.cc agent/traits.cc agent/processes.cc
          agent/guest_process.cc agent/door.cc agent/agent_link.cc agent/peer.cc agent/peers.cc
          agent/decider.cc agent/questions.cc agent/agent.cc
  PUBLIC llrun_base llrun_protocol llrun_config llrun_control llrun_load llrun_channel llrun_policies)
# A user's own strategy, run as a program. A library of its own: it needs nothing of the agent.
llrun_library(llrun_external_strategy
  SOURCES agent/external_strategy.cc
  PUBLIC llrun_base llrun_policies)
