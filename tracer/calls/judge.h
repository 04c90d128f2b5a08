// The judge: what the supervisor does with one call of a guest.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/ids.h"
#include "tracer/calls/call_table.h"
#include "tracer/calls/conditions.h"

namespace llrun {

enum class Verdict : std::uint8_t {
  kNative,          // continue it
  kThread,          // a trace stop: made natively under an id from home; brings home if no thread
  kTraced,          // a trace stop: made natively, its result looked at
  kHome,            // have the shadow execute it
  kBringsHome,      // bring the program home; it executes the call there
  kHomeDescriptor,  // it concerns a descriptor that lives at home: serve it there, or bring home
  kFileType,        // look at what is opened: continue for regular files, directories, null-like
                    // devices; else bring home
  kWatched,         // look what is to be watched: continue but for files and directories
  kEnding,          // look who ends: continue but for the first of several threads
  kSignalTarget,    // look whom it is for: continue for the program's own threads; else home's
  kPathChange,      // look what is changed: continue, or bring home for what home keeps to itself
  kCpuTime,         // answer with the guest's own CPU time plus home's part
};

// Judges the calls of one guest. With the context that the guest's filter was built with, exactly
// the calls with verdict kNative pass that filter. Thread-safe once made.
class CallJudge {
 public:
  explicit CallJudge(const CallContext& context);
  [[nodiscard]] Verdict judge(std::uint64_t number, const CallArgs& args) const;
  // Whether nobody may have it executed on a peer: it must not be continued, whatever has been
  // found out since it was judged.
  [[nodiscard]] bool never_here(std::uint64_t number, const CallArgs& args) const;

 private:
  using Alternatives = std::vector<Conjunction>;
  std::map<std::uint32_t, Alternatives> never_;
  std::map<std::uint32_t, Alternatives> native_;
  std::map<std::uint32_t, Alternatives> home_;
};

}  // namespace llrun
