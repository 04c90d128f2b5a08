add_executable(llrund llrund.cc llrund_stdio.cc llrund_background.cc)
target_compile_definitions(llrund PRIVATE LLRUN_VERSION="${PROJECT_VERSION}")
target_link_libraries(llrund PRIVATE llrun_options llrun_agent Boost::program_options)
llrun_starts_quickly(llrund)
