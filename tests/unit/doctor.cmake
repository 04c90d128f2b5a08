llrun_test(doctor_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/doctor/doctor_test.cc
  LIBS llrun_doctor_node llrun_traits)
