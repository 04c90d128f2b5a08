find_package(ZLIB REQUIRED)
add_executable(llrunsim
  ${CMAKE_CURRENT_LIST_DIR}/llrunsim.cc
  ${CMAKE_CURRENT_LIST_DIR}/llrunsim_compare.cc
  ${CMAKE_CURRENT_LIST_DIR}/llrunsim_information.cc
  ${CMAKE_CURRENT_LIST_DIR}/llrunsim_options.cc
  ${CMAKE_CURRENT_LIST_DIR}/llrunsim_output.cc
  ${CMAKE_CURRENT_LIST_DIR}/llrunsim_sweep.cc
  ${CMAKE_CURRENT_LIST_DIR}/llrunsim_validate.cc)
target_link_libraries(llrunsim PRIVATE llrun_options llrun_sim Boost::program_options ZLIB::ZLIB)
