#include "tracer/remote/remote_memory.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>

#include "base/fd.h"

namespace llrun::tracer {
namespace {

std::string place(const char* what, HostPid pid, RemoteAddr at) {
  std::array<char, 96> text{};
  std::snprintf(text.data(), text.size(), "%s memory of %d at %#llx", what, pid.value,
                static_cast<unsigned long long>(at.value));
  return text.data();
}

void* pointer(RemoteAddr at) { return reinterpret_cast<void*>(at.value); }

Result<Fd> open_memory(HostPid pid, int flags) {
  return open_file("/proc/" + std::to_string(pid.value) + "/mem", flags);
}

// How much was written before something refused.
std::size_t write_ordinarily(HostPid pid, RemoteAddr to, std::span<const std::byte> bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const iovec local{const_cast<std::byte*>(bytes.data()) + done, bytes.size() - done};
    const iovec remote{pointer(to + done), bytes.size() - done};
    const ssize_t count = ::process_vm_writev(pid.value, &local, 1, &remote, 1, 0);
    if (count <= 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

}  // namespace

Result<RemoteRange> RemoteRange::of(RemoteAddr start, std::uint64_t size) {
  if (start.value + size < start.value)
    return failure(ErrorCode::kProtocol, "an address range overflows");
  return RemoteRange{start, {start.value + size}};
}

Result<> read_memory(HostPid pid, RemoteAddr from, std::span<std::byte> into) {
  std::size_t done = 0;
  while (done < into.size()) {
    const iovec local{into.data() + done, into.size() - done};
    const iovec remote{pointer(from + done), into.size() - done};
    const ssize_t count = ::process_vm_readv(pid.value, &local, 1, &remote, 1, 0);
    if (count < 0) return system_error(place("read", pid, from + done));
    if (count == 0) return system_error(place("read", pid, from + done), EFAULT);
    done += static_cast<std::size_t>(count);
  }
  return {};
}

Result<> write_memory(HostPid pid, RemoteAddr to, std::span<const std::byte> bytes) {
  const std::size_t done = write_ordinarily(pid, to, bytes);
  if (done == bytes.size()) return {};
  return write_memory_forced(pid, to + done, bytes.subspan(done));
}

Result<> read_memory_forced(HostPid pid, RemoteAddr from, std::span<std::byte> into) {
  LLRUN_TRY_ASSIGN(const Fd memory, open_memory(pid, O_RDONLY));
  while (!into.empty()) {
    const ssize_t count =
        ::pread(memory.get(), into.data(), into.size(), static_cast<off_t>(from.value));
    if (count < 0) return system_error(place("read", pid, from));
    if (count == 0) return failure(ErrorCode::kGone, place("read", pid, from));
    from = from + static_cast<std::size_t>(count);
    into = into.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Result<> write_memory_forced(HostPid pid, RemoteAddr to, std::span<const std::byte> bytes) {
  LLRUN_TRY_ASSIGN(const Fd memory, open_memory(pid, O_RDWR));
  while (!bytes.empty()) {
    const ssize_t count =
        ::pwrite(memory.get(), bytes.data(), bytes.size(), static_cast<off_t>(to.value));
    if (count < 0) return system_error(place("write", pid, to));
    if (count == 0) return failure(ErrorCode::kGone, place("write", pid, to));
    to = to + static_cast<std::size_t>(count);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Result<std::string> read_string(HostPid pid, RemoteAddr from, std::size_t limit) {
  std::string text;
  std::array<char, 256> piece{};
  while (text.size() < limit) {
    // Never across a page boundary: the next page need not be there.
    const auto to_boundary = kPageSize - (from.value + text.size()) % kPageSize;
    const auto count =
        std::min({piece.size(), static_cast<std::size_t>(to_boundary), limit - text.size()});
    LLRUN_TRY(read_memory(pid, from + text.size(),
                          std::as_writable_bytes(std::span(piece.data(), count))));
    const std::string_view found(piece.data(), count);
    const auto end = found.find('\0');
    text.append(found.substr(0, end));
    if (end != std::string_view::npos) break;
  }
  return text;
}

}  // namespace llrun::tracer
