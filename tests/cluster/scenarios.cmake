# The scenarios need the product; what needs only the hosts is in hosts.cmake.
include(${CMAKE_CURRENT_LIST_DIR}/hosts.cmake)
if(TARGET llrun AND TARGET llrund AND TARGET llrunctl)
  llrun_cluster_test(povray povray_test.py TIMEOUT 600)
endif()
