// Process: everything of a frozen program but its pages and descriptors, as one record, or the pins
// that hold it.
#pragma once

#include <string>

#include "base/result.h"
#include "imagefmt/image.pb.h"
#include "tracer/objects/freeze.h"
#include "tracer/objects/memory.h"

namespace llrun::tracer {

struct ProcessCapture {
  image::Process process;  // descriptions and descriptors are left to capture_descriptors()
  Pins pins;               // if any, the record is incomplete
};

// The program's own view of its ids. Its timers run on until it is a shadow, or has ended.
// cpu_time_ns is what this kernel counts.
[[nodiscard]] Result<ProcessCapture> capture_process(Freeze& freeze, MemoryOptions options = {});

// Working directory, umask, personality, niceness, prctl settings and the like. Limits:
// process_limits.h.
[[nodiscard]] Result<> restore_directory(RemoteSyscalls& calls, RemoteArena arena,
                                         const std::string& path);
[[nodiscard]] Result<> restore_attributes(RemoteSyscalls& calls, RemoteArena arena,
                                          const image::Process& process);

}  // namespace llrun::tracer
