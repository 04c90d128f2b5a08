# The file view: a guest's root is home's file tree.

set(homefs_sources
  attribute_operations.cc
  descriptions.cc
  direct_io.cc
  device_thread.cc
  directory_operations.cc
  directory_reader.cc
  entry_operations.cc
  file_operations.cc
  file_uses.cc
  file_view_mount.cc
  frame_check.cc
  fuse_relay.cc
  fuse_session.cc
  home_file_server.cc
  home_view.cc
  inode_path.cc
  inode_table.cc
  kept_back.cc
  notice_thread.cc
  open_operations.cc
  own_descriptors.cc
  request_queue.cc
  workers.cc
  xattr_operations.cc)
list(TRANSFORM homefs_sources PREPEND ${CMAKE_CURRENT_LIST_DIR}/)
llrun_library(llrun_homefs
  SOURCES ${homefs_sources}
  PUBLIC llrun_base
  PRIVATE PkgConfig::LLRUN_FUSE)
