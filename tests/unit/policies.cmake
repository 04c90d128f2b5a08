llrun_test(policies_test LABEL unit
  SOURCES
    ${CMAKE_CURRENT_LIST_DIR}/policies/ageing_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/policies/external_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/policies/hindrance_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/policies/history_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/policies/information_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/policies/lifetime_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/policies/property_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/policies/relief_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/policies/simulator_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/policies/strategy_test.cc
  LIBS llrun_sim nlohmann_json::nlohmann_json)

llrun_test(external_strategy_test LABEL unit
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/policies/external_program_test.cc
  LIBS llrun_external_strategy)
target_compile_definitions(external_strategy_test
  PRIVATE LLRUN_EXAMPLES="${CMAKE_SOURCE_DIR}/examples/strategies")

# The claims of docs/strategies.md at full length.
llrun_test(policies_claims_test LABEL long TIMEOUT 3600
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/policies/claims_test.cc
  LIBS llrun_sim)
