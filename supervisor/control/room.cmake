# The agent's control socket: both ends of it.
llrun_library(llrun_control
  SOURCES control/connection.cc control/server.cc control/listening_socket.cc control/client.cc control/start_agent.cc
          control/agent_client.cc
  PUBLIC llrun_base llrun_protocol llrun_config)
