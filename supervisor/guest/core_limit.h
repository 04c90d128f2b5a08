// CoreLimit: what keeps the kernel of a guest's node from dumping the guest's memory.
//
// A signal that leaves a core dump is met by the tracer, who sees whether the program handles it;
// but another thread may take the handler away before the kernel looks, or the handler goes by
// itself (SA_RESETHAND). So the guest's kernel is told a limit of one byte: too little for a file,
// and what a collector gets none for either (core(5); fs/coredump.c, "cprm.limit == 1"), where a
// limit of 0 stops files alone. The program is told its own, and changes it at home.
#pragma once

#include <sys/resource.h>

#include <cstdint>
#include <optional>

#include "base/ids.h"
#include "imagefmt/image.pb.h"
#include "tracer/filter/notifier.h"

namespace llrun {

class CoreLimit {
 public:
  CoreLimit() = default;
  // Takes the program's own from `image` and puts there what is to hold on this node.
  explicit CoreLimit(image::Process& image);
  // Puts the program's own into an image of it that goes home.
  void give_back(image::Process& image) const;
  [[nodiscard]] bool lets_dump() const { return own_.rlim_cur > 0; }
  // What a question of the guest's about itself returns, after the limit has been stored there;
  // none: the call asks or does something else.
  [[nodiscard]] std::optional<std::int64_t> answer(HostPid guest, const NotifiedCall& call) const;

 private:
  rlimit own_{RLIM_INFINITY, RLIM_INFINITY};
};

}  // namespace llrun
