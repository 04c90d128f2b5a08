// General, vector and x87 registers hold their values across long stretches without a system call.
#include <immintrin.h>

#include <cfenv>
#include <cstring>

#include "tests/programs/steps.h"

namespace {

struct alignas(32) State {
  std::uint64_t general[8];
  std::uint8_t vectors[16][32];
  long double stack[6];
};

// Fills registers from `in`, spins, and writes them to `out`, with nothing between that could save
// them elsewhere.
__attribute__((target("avx"))) void hold(const State& in, State& out, std::uint64_t turns) {
  const State* from = &in;
  State* to = &out;
  asm volatile(
      "push %%rbp\n push %%rbx\n"
      "mov 0(%[from]), %%rbx\n mov 8(%[from]), %%r8\n mov 16(%[from]), %%r9\n mov 24(%[from]), "
      "%%r12\n"
      "mov 32(%[from]), %%r13\n mov 40(%[from]), %%r14\n mov 48(%[from]), %%r15\n mov 56(%[from]), "
      "%%rbp\n"
      ".set at, 64\n .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
      "vmovdqa at(%[from]), %%ymm\\n\n .set at, at+32\n .endr\n"
      ".rept 6\n fldt at(%[from])\n .set at, at+16\n .endr\n"
      "1: dec %[turns]\n jnz 1b\n"
      "mov %%rbx, 0(%[to])\n mov %%r8, 8(%[to])\n mov %%r9, 16(%[to])\n mov %%r12, 24(%[to])\n"
      "mov %%r13, 32(%[to])\n mov %%r14, 40(%[to])\n mov %%r15, 48(%[to])\n mov %%rbp, 56(%[to])\n"
      ".set at, 64\n .irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
      "vmovdqa %%ymm\\n, at(%[to])\n .set at, at+32\n .endr\n"
      ".set at, 64+512+80\n .rept 6\n fstpt at(%[to])\n .set at, at-16\n .endr\n"
      "pop %%rbx\n pop %%rbp\n"
      : [turns] "+a"(turns)
      : [from] "S"(from), [to] "D"(to)
      : "r8", "r9", "r12", "r13", "r14", "r15", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4",
        "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",
        "xmm15", "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)");
}

State filled(std::uint64_t seed) {
  State state{};
  for (auto& value : state.general) value = seed = steps::mixed(seed);
  for (auto& vector : state.vectors)
    for (auto& byte : vector) byte = static_cast<std::uint8_t>(seed = steps::mixed(seed));
  for (auto& value : state.stack)
    value = static_cast<long double>(seed = steps::mixed(seed)) / 3.0L;
  return state;
}

void check_equal(const State& in, const State& out) {
  for (int at = 0; at < 8; ++at)
    steps::check(in.general[at] == out.general[at], "general register %d", at);
  for (int at = 0; at < 16; ++at)
    steps::check(std::memcmp(in.vectors[at], out.vectors[at], 32) == 0, "ymm%d", at);
  for (int at = 0; at < 6; ++at) steps::check(in.stack[at] == out.stack[at], "x87 value %d", at);
}

}  // namespace

int main(int argc, char** argv) {
  steps::begin(argc, argv);
  if (!__builtin_cpu_supports("avx")) {
    steps::check(false, "this processor has no AVX");
    return steps::finish();
  }
  std::fesetround(FE_UPWARD);  // in MXCSR and in the x87 control word
  _MM_SET_FLUSH_ZERO_MODE(_MM_FLUSH_ZERO_ON);
  while (steps::next()) {
    const State in = filled(static_cast<std::uint64_t>(steps::number()));
    State out{};
    hold(in, out, 60'000'000);
    check_equal(in, out);
    steps::check(std::fegetround() == FE_UPWARD, "the rounding mode");
    steps::check(_MM_GET_FLUSH_ZERO_MODE() == _MM_FLUSH_ZERO_ON, "the flush-to-zero mode");
  }
  return steps::finish();
}
