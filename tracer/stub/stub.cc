#include "tracer/stub/stub.h"

#include <fcntl.h>
#include <sys/mman.h>

extern "C" {
extern const std::byte llrun_stub_page_bytes[];
extern const std::byte llrun_stub_executable_bytes[];
extern const std::byte llrun_stub_executable_end[];
}

namespace llrun::tracer {

std::span<const std::byte> stub_page() { return {llrun_stub_page_bytes, LLRUN_STUB_SIZE}; }

std::span<const std::byte> returning_code() {
  return stub_page().subspan(LLRUN_STUB_RETURNING, LLRUN_STUB_RETURNING_END - LLRUN_STUB_RETURNING);
}

std::span<const std::byte> stub_executable() {
  return {llrun_stub_executable_bytes, llrun_stub_executable_end};
}

Result<Fd> stub_executable_file() {
  Fd file(::memfd_create("llrun-stub", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file.valid()) return system_error("make a memory file for the stub");
  LLRUN_TRY(write_all(file.get(), stub_executable()));
  if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) !=
      0)
    return system_error("seal the stub");
  return file;
}

}  // namespace llrun::tracer
