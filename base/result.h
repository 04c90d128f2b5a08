// Result<T>: what a function returns when the world may say no.
//
// Three kinds of failure have three mechanisms: the world said no (Result), we decline (a plain
// value with its reason, such as a pin), we are wrong (LLRUN_CHECK). A Result is never dropped:
// [[nodiscard]].
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace llrun {

enum class ErrorCode : std::uint8_t {
  kSystem,       // a system call failed; `errno_value` says how
  kGone,         // the process, thread or peer we were talking about has ended
  kProtocol,     // bytes from another node or process do not mean what they should
  kUnsupported,  // this kernel, machine or version cannot do it
  kRefused,      // somebody with the right to say so said no
  kTimeout,      // a bounded wait ended without what was waited for
  kUntrusted,    // a program or a peer has done what no honest one does: it gets no further
  kInvalid,      // bad input from the user: options, configuration, arguments
};

struct Error {
  ErrorCode code = ErrorCode::kSystem;
  int errno_value = 0;    // 0 when no system call is behind it
  std::string attempted;  // "open /home/u/x.pov", "PTRACE_SEIZE 4711": what, in words for a person

  // One line for a person: what was attempted and why it failed.
  [[nodiscard]] std::string message() const;
};

template <typename T = void>
using Result = std::expected<T, Error>;

// The error of the system call that has just failed (reads errno; ESRCH becomes kGone).
[[nodiscard]] std::unexpected<Error> system_error(std::string attempted);
[[nodiscard]] std::unexpected<Error> system_error(std::string attempted, int errno_value);
[[nodiscard]] std::unexpected<Error> failure(ErrorCode code, std::string attempted);

[[noreturn]] void check_failed(const char* condition, const char* file, int line,
                               std::string_view state);

}  // namespace llrun

// We are wrong: stays on in release, prints what is known, aborts.
#define LLRUN_CHECK(condition, state)                                 \
  do {                                                                \
    if (!(condition)) [[unlikely]]                                    \
      ::llrun::check_failed(#condition, __FILE__, __LINE__, (state)); \
  } while (false)

#define LLRUN_CONCAT_INNER(a, b) a##b
#define LLRUN_CONCAT(a, b) LLRUN_CONCAT_INNER(a, b)

// Return the error of `expr` to the caller, or go on.
#define LLRUN_TRY(expr)                                         \
  do {                                                          \
    if (auto llrun_result = (expr); !llrun_result) [[unlikely]] \
      return std::unexpected(std::move(llrun_result).error());  \
  } while (false)

// Return the error of `expr` to the caller, or define `decl` as its value.
#define LLRUN_TRY_ASSIGN(decl, expr)                                                  \
  auto LLRUN_CONCAT(llrun_result_, __LINE__) = (expr);                                \
  if (!LLRUN_CONCAT(llrun_result_, __LINE__)) [[unlikely]]                            \
    return std::unexpected(std::move(LLRUN_CONCAT(llrun_result_, __LINE__)).error()); \
  decl = std::move(*LLRUN_CONCAT(llrun_result_, __LINE__))
