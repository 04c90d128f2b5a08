# The manual pages against --help.
add_test(NAME manual COMMAND /usr/bin/python3 -B ${CMAKE_CURRENT_LIST_DIR}/manual/manual_test.py
                             ${CMAKE_BINARY_DIR}/bin ${CMAKE_SOURCE_DIR})
set_tests_properties(manual PROPERTIES LABELS unit)
