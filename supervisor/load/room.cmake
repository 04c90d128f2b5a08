# What this node is like and how busy it is.
llrun_library(llrun_load
  SOURCES load/proc.cc load/cgroup.cc load/speed.cc load/processors.cc load/run_queue.cc load/users.cc load/meter.cc
  PUBLIC llrun_base llrun_protocol)
