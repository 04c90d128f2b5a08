// What the running kernel may lack: probed, never concluded from its version or configuration.
//
// A test of something that a kernel may lack begins with LLRUN_NEEDS. Where the kernel lacks it the
// test is skipped, and a marker in its output says for want of what; tools/test lists these at its
// end (tools/lib/verdict.py). Every other skip is a failure there.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace llrun::test {

enum class Capability : std::uint8_t {
#define CAPABILITY(name, what, where) k##name,
#include "tests/capabilities/capabilities.def"
#undef CAPABILITY
};

// As in the list: "SystemCalls32Bit".
[[nodiscard]] std::string_view name_of(Capability capability);
// Asked of the kernel, once. Ends the test program in words if the answer is neither yes nor no.
[[nodiscard]] bool kernel_has(Capability capability);
// The line by which verdict.py knows what `test` ("Suite.Case") was left out for.
[[nodiscard]] std::string left_out_marker(std::string_view test, Capability capability);
// Whether the running test has to be left out; says so in its output then.
[[nodiscard]] bool left_out(Capability capability);

}  // namespace llrun::test

// First in a test: it is left out where the kernel lacks `capability`.
#define LLRUN_NEEDS(capability)            \
  if (::llrun::test::left_out(capability)) \
  GTEST_SKIP() << "this kernel lacks: " << ::llrun::test::name_of(capability)
