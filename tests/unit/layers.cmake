# Every #include against the arrows of docs/architecture.md, and the checker against includes that it must refuse.
add_test(NAME layers COMMAND /usr/bin/python3 -B ${CMAKE_CURRENT_LIST_DIR}/layers/layers.py ${CMAKE_SOURCE_DIR})
add_test(NAME layers_checker COMMAND /usr/bin/python3 -B ${CMAKE_CURRENT_LIST_DIR}/layers/layers_test.py)
set_tests_properties(layers layers_checker PROPERTIES LABELS unit)
