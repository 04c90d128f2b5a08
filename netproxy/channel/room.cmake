llrun_library(llrun_channel
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/channel.cc ${CMAKE_CURRENT_LIST_DIR}/channel_process.cc
          ${CMAKE_CURRENT_LIST_DIR}/frame_buffer.cc ${CMAKE_CURRENT_LIST_DIR}/frame_io.cc
          ${CMAKE_CURRENT_LIST_DIR}/nowait_write.cc ${CMAKE_CURRENT_LIST_DIR}/printed_text.cc
          ${CMAKE_CURRENT_LIST_DIR}/send_queue.cc ${CMAKE_CURRENT_LIST_DIR}/vector_writer.cc
  PUBLIC llrun_base llrun_imagefmt
  PRIVATE PkgConfig::LLRUN_URING)
