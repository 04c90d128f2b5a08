// Pipes and FIFOs: what is in them, looked at without taking it.
#pragma once

#include <optional>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace llrun::tracer {

struct PipeState {
  std::uint64_t capacity = 0;  // F_GETPIPE_SZ
  std::string content;
};

// `read_end`: any descriptor of ours for the read end. The bytes stay in the pipe (tee(2)).
// kUnsupported: there is more in it than may be copied at once (limits of /proc/sys/fs/pipe-*).
[[nodiscard]] Result<PipeState> look_into_pipe(int read_end);

// Nobody has its other end open. `write_end` may be any descriptor for writing.
[[nodiscard]] bool reader_is_gone(int write_end);

// A new pipe with that capacity and content. Both ends are ours.
[[nodiscard]] Result<FdPair> make_pipe_like(const PipeState& state);

}  // namespace llrun::tracer
