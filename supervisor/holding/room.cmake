# Whose word counts about a journey, and how it is known whether one is held here.
llrun_library(llrun_holding
  SOURCES holding/origin.cc holding/secret.cc holding/word.cc holding/search.cc
  PUBLIC llrun_base llrun_protocol
  PRIVATE llrun_config)
