# The stub: freestanding code, linked alone, embedded as bytes.
set(room ${CMAKE_CURRENT_LIST_DIR})
set(stub_dir ${CMAKE_CURRENT_BINARY_DIR}/stub)
file(MAKE_DIRECTORY ${stub_dir})
add_custom_command(
  OUTPUT ${stub_dir}/stub.bin ${stub_dir}/llrun-stub
  COMMAND ${CMAKE_ASM_COMPILER} -I ${CMAKE_SOURCE_DIR} -c ${room}/stub.S -o ${stub_dir}/stub.o
  COMMAND ${CMAKE_COMMAND} -DOBJECT=${stub_dir}/stub.o -DREADELF=${CMAKE_READELF}
          -P ${room}/check_stub.cmake
  COMMAND ${CMAKE_LINKER} -static --build-id=none -z noexecstack -z max-page-size=4096
          -T ${room}/stub.ld ${stub_dir}/stub.o -o ${stub_dir}/llrun-stub
  COMMAND ${CMAKE_OBJCOPY} -O binary -j .text ${stub_dir}/llrun-stub ${stub_dir}/stub.bin
  COMMAND ${CMAKE_STRIP} ${stub_dir}/llrun-stub
  DEPENDS ${room}/stub.S ${room}/abi.h ${room}/stub.ld ${room}/check_stub.cmake
  COMMENT "Building the stub")
set_source_files_properties(${room}/stub_bytes.S PROPERTIES
  OBJECT_DEPENDS "${stub_dir}/stub.bin;${stub_dir}/llrun-stub"
  COMPILE_OPTIONS "-Wa,-I${stub_dir}")
llrun_library(llrun_tracer_stub
  SOURCES ${room}/stub.cc ${room}/stub_bytes.S
  PUBLIC llrun_base)
