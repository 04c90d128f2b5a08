# What a kernel may lack, and how tools/test judges a test that was left out for it.
llrun_test(capability_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/capabilities/capability_test.cc
           LIBS llrun_capabilities)
add_test(NAME verdict COMMAND /usr/bin/python3 -B ${CMAKE_CURRENT_LIST_DIR}/capabilities/verdict_test.py)
set_tests_properties(verdict PROPERTIES LABELS unit)
