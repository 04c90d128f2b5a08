# The state of a process, one kernel object a pair of files: capture and restore side by side.
file(GLOB objects_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*.cc)
if(objects_sources)
  llrun_library(llrun_tracer_objects
    SOURCES ${objects_sources}
    PUBLIC llrun_tracer_remote llrun_tracer_procfs llrun_imagefmt)
endif()
