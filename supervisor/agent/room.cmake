# The node agent: one per user and node.
llrun_library(llrun_agent
  SOURCES agent/event_log.cc agent/heard.cc agent/hello_reader.cc agent/traits.cc agent/processes.cc
          agent/guest_process.cc agent/guest_group.cc agent/guest_limits.cc agent/guest_ageing.cc agent/door.cc
          agent/views.cc agent/costs.cc agent/explanation.cc agent/loads_file.cc agent/switches.cc
          agent/drain.cc agent/bedtime.cc agent/errand.cc agent/verbs.cc agent/agent_link.cc agent/peer.cc agent/peers.cc
          agent/homes.cc agent/crowd.cc agent/strangers.cc agent/experience.cc agent/strategies.cc agent/learned_verbs.cc
          agent/starts.cc agent/decider.cc agent/decider_placing.cc agent/decider_away.cc
          agent/questions.cc agent/waiters.cc agent/agent.cc
  PUBLIC llrun_base llrun_protocol llrun_clock llrun_logind llrun_holding llrun_config llrun_control llrun_load
         llrun_channel llrun_policies llrun_history llrun_watch
         llrun_external_strategy
  PRIVATE llrun_traits llrun_migration llrun_doctor nlohmann_json::nlohmann_json)
# A user's own strategy, run as a program. A library of its own: it needs nothing of the agent.
llrun_library(llrun_external_strategy
  SOURCES agent/external_strategy.cc
  PUBLIC llrun_base llrun_policies)
