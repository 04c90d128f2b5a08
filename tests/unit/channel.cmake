llrun_test(channel_test LABEL unit
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/channel/channel_test.cc
          ${CMAKE_CURRENT_LIST_DIR}/channel/send_queue_test.cc
          ${CMAKE_CURRENT_LIST_DIR}/channel/frame_io_test.cc
          ${CMAKE_CURRENT_LIST_DIR}/channel/printed_text_test.cc
          ${CMAKE_CURRENT_LIST_DIR}/channel/channel_process_test.cc
  LIBS llrun_channel)
