// VectorWriter: the blocking writes of a channel's writer thread, which a stop can interrupt at any
// moment.
//
// By io_uring where the site allows it: one submission waits for room, writes and watches for the
// stop; else by poll and writes that do not block.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <span>

#include "base/result.h"

namespace llrun {

class VectorWriter {
 public:
  virtual ~VectorWriter() = default;
  // Write some of `pieces`, at least a byte. kGone: nobody reads any more, or `stop_fd` has become
  // readable. Called by one thread, with SIGPIPE blocked.
  [[nodiscard]] virtual Result<std::size_t> write(std::span<const iovec> pieces) = 0;
  [[nodiscard]] virtual bool is_io_uring() const = 0;
};

enum class WriterKind { kBest, kPlain };

// `out` and `stop_fd` (an eventfd) are not owned.
[[nodiscard]] Result<std::unique_ptr<VectorWriter>> make_vector_writer(int out, int stop_fd,
                                                                       WriterKind kind);

}  // namespace llrun
