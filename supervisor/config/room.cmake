# Paths and llrun.conf: what every program of the project reads before anything else.
llrun_library(llrun_config
  SOURCES config/paths.cc config/values.cc config/keys.cc config/ini.cc config/config.cc
  PUBLIC llrun_base PRIVATE Boost::program_options)
