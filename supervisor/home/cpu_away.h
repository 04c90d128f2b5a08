// CPU time that a program has used on other nodes: home's kernel cannot be told of it, so it
// travels with the program, and its clocks go on away where they stood (docs/limits.md, "CPU
// time").
#pragma once

#include <cstdint>
#include <map>

#include "imagefmt/image.pb.h"

namespace llrun {

struct CpuAway {
  std::uint64_t process_ns = 0;  // all threads, ended ones too
  std::map<std::int32_t, std::uint64_t> threads_ns;

  void add_to(image::Process& leaving) const;
  // `returned`: with what it has used since it left.
  void note(const image::Process& returned);
};

}  // namespace llrun
