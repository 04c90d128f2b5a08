# The state of a process, one kernel object a pair of files: capture and restore side by side.
#
# llrun_tracer_descriptors: descriptors, what they refer to, who shares them, and the pins.
# llrun_tracer_process: memory, threads, signals, timers and the process around them; shadow, restore.
# llrun_tracer_sleeps: what threads sleep in, for whoever stops them.
# llrun_tracer_objects: all.
set(room ${CMAKE_CURRENT_LIST_DIR})
set(descriptor_parts descriptors files pipes terminals events pins sharing kcmp measures)
set(descriptor_sources)
foreach(part ${descriptor_parts})
  file(GLOB part_sources CONFIGURE_DEPENDS ${room}/${part}.cc ${room}/${part}_*.cc)
  list(APPEND descriptor_sources ${part_sources})
endforeach()
llrun_library(llrun_tracer_descriptors
  SOURCES ${descriptor_sources}
  PUBLIC llrun_tracer_remote llrun_tracer_procfs llrun_imagefmt)

set(sleep_sources ${room}/sleeps.cc ${room}/shortened_call.cc)
llrun_library(llrun_tracer_sleeps
  SOURCES ${sleep_sources}
  PUBLIC llrun_tracer_remote llrun_tracer_procfs)

file(GLOB process_sources CONFIGURE_DEPENDS ${room}/*.cc)
list(REMOVE_ITEM process_sources ${descriptor_sources} ${sleep_sources})
llrun_library(llrun_tracer_process
  SOURCES ${process_sources}
  PUBLIC llrun_tracer_sleeps llrun_tracer_remote llrun_tracer_procfs llrun_imagefmt
  PRIVATE PkgConfig::LLRUN_XXHASH)

add_library(llrun_tracer_objects INTERFACE)
target_link_libraries(llrun_tracer_objects
  INTERFACE llrun_tracer_process llrun_tracer_descriptors)
