# One parser per file of /proc: text in, struct out; plus thin readers.
file(GLOB procfs_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*.cc)
llrun_library(llrun_tracer_procfs SOURCES ${procfs_sources} PUBLIC llrun_base)
