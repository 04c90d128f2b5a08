# The libraries that the product is made with, linked statically where an archive is installed.
#
# A supervisor stands beside every program that lives for a moment. With the 22 shared libraries that it would have, to find
# and to bind them is half of what it costs; and LD_LIBRARY_PATH of the program could name others. A static archive that is
# not installed is no fault: the shared library is taken. Under sanitizers all are shared, since the runtime of those wraps them.
find_package(PkgConfig REQUIRED)
if(NOT LLRUN_SANITIZE)
  set(llrun_archives .a)
  set(Boost_USE_STATIC_LIBS ON)
endif()
set(llrun_suffixes ${CMAKE_FIND_LIBRARY_SUFFIXES})

# llrun_package(PREFIX module…): the modules as PkgConfig::PREFIX.
macro(llrun_package prefix)
  set(CMAKE_FIND_LIBRARY_SUFFIXES ${llrun_archives} ${llrun_suffixes})
  pkg_check_modules(${prefix} REQUIRED IMPORTED_TARGET GLOBAL ${ARGN})
  set(CMAKE_FIND_LIBRARY_SUFFIXES ${llrun_suffixes})
endmacro()

set(CMAKE_FIND_LIBRARY_SUFFIXES ${llrun_archives} ${llrun_suffixes})
find_package(Protobuf REQUIRED)
foreach(compression z lzma bz2)
  find_library(LLRUN_${compression} ${compression} REQUIRED)
endforeach()
set(CMAKE_FIND_LIBRARY_SUFFIXES ${llrun_suffixes})
find_package(Boost REQUIRED COMPONENTS program_options)
find_package(GTest REQUIRED)
find_package(Threads REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(fmt REQUIRED)

llrun_package(LLRUN_ELF libelf)
llrun_package(LLRUN_DW libdw)
llrun_package(LLRUN_FUSE fuse3>=3.14)
llrun_package(LLRUN_SECCOMP libseccomp)
llrun_package(LLRUN_URING liburing)
llrun_package(LLRUN_XXHASH libxxhash)
llrun_package(LLRUN_MNL libmnl)
# What an archive cannot say: what it needs itself.
target_link_libraries(PkgConfig::LLRUN_ELF INTERFACE ${LLRUN_z})
target_link_libraries(PkgConfig::LLRUN_DW INTERFACE PkgConfig::LLRUN_ELF ${LLRUN_lzma} ${LLRUN_bz2} ${LLRUN_z})
# Debian's archive of libunwind is not made for programs whose place in memory is random, as ours are.
pkg_check_modules(LLRUN_UNWIND REQUIRED IMPORTED_TARGET GLOBAL libunwind-generic libunwind)
pkg_check_modules(LLRUN_SYSTEMD REQUIRED IMPORTED_TARGET GLOBAL libsystemd)

# llrun_starts_quickly(TARGET): a program of ours, for which that counts.
function(llrun_starts_quickly target)
  if(NOT LLRUN_SANITIZE)
    # Relative relocations in their short form (glibc 2.36): a third of a megabyte less to read.
    target_link_options(${target} PRIVATE -static-libstdc++ -static-libgcc LINKER:-z,pack-relative-relocs)
  endif()
endfunction()
