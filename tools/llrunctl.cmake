file(GLOB ctl_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/ctl/*.cc)
add_executable(llrunctl llrunctl.cc ${ctl_sources})
target_compile_definitions(llrunctl PRIVATE LLRUN_VERSION="${PROJECT_VERSION}")
target_link_libraries(llrunctl PRIVATE llrun_options llrun_control llrun_config llrun_leftovers Boost::program_options
                                       nlohmann_json::nlohmann_json)
llrun_starts_quickly(llrunctl)
