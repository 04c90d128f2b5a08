# Packets of the control socket, as the agent, a supervisor and llrunctl read them.
llrun_fuzzer(control
  SOURCES control/fuzz_control.cc ../../tools/ctl/json.cc ../../tools/ctl/table.cc
  LIBS llrun_agent nlohmann_json::nlohmann_json
  ROUNDS 6000)
