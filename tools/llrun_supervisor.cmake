add_executable(llrun-supervisor llrun_supervisor.cc llrun_supervisor_doctor.cc)
target_link_libraries(llrun-supervisor PRIVATE llrun_options llrun_home llrun_guest llrun_config llrun_doctor_node llrun_traits
                                               Boost::program_options)
llrun_starts_quickly(llrun-supervisor)
