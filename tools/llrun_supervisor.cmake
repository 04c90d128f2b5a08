find_package(Boost REQUIRED COMPONENTS program_options)
add_executable(llrun-supervisor llrun_supervisor.cc)
target_link_libraries(llrun-supervisor PRIVATE llrun_options llrun_home llrun_guest llrun_config
                                               Boost::program_options)
