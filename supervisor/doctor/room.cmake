# What nodes must offer. The pair is the agent's to examine, the node is tried by a program of its own.
llrun_library(llrun_doctor
  SOURCES doctor/finding.cc doctor/pair.cc
  PUBLIC llrun_base llrun_protocol
  PRIVATE llrun_traits nlohmann_json::nlohmann_json)
llrun_library(llrun_doctor_node
  SOURCES doctor/node.cc doctor/kernel.cc doctor/account.cc
  PUBLIC llrun_doctor
  PRIVATE llrun_traits llrun_world llrun_config)
