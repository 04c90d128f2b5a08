// Rules: a libseccomp filter under construction.
#pragma once

#include <seccomp.h>

#include <cstdint>

#include "base/result.h"
#include "tracer/calls/conditions.h"
#include "tracer/filter/program.h"

namespace llrun {

class Rules {
 public:
  // Calls for which there is no rule get `otherwise`; foreign entries (32-bit, x32) are notified.
  [[nodiscard]] static Result<Rules> create(std::uint32_t otherwise);
  Rules(Rules&& other) noexcept;
  Rules& operator=(Rules&&) = delete;
  ~Rules();

  // Call `number` gets `action` when `when` holds; always, if that is empty. Numbers that
  // libseccomp has never heard of are as good as others.
  [[nodiscard]] Result<> add(std::uint32_t action, std::uint32_t number, const Conjunction& when);

  [[nodiscard]] Result<BpfProgram> compile() const;

 private:
  explicit Rules(scmp_filter_ctx context) : context_(context) {}
  scmp_filter_ctx context_;
};

}  // namespace llrun
