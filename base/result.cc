#include "base/result.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace llrun {

std::string Error::message() const {
  if (errno_value == 0) return attempted;
  return attempted + ": " + std::strerror(errno_value);
}

std::unexpected<Error> system_error(std::string attempted) {
  return system_error(std::move(attempted), errno);
}

std::unexpected<Error> system_error(std::string attempted, int errno_value) {
  const auto code = errno_value == ESRCH ? ErrorCode::kGone : ErrorCode::kSystem;
  return std::unexpected(Error{code, errno_value, std::move(attempted)});
}

std::unexpected<Error> failure(ErrorCode code, std::string attempted) {
  return std::unexpected(Error{code, 0, std::move(attempted)});
}

void check_failed(const char* condition, const char* file, int line, std::string_view state) {
  std::fprintf(stderr, "llrun: internal error at %s:%d: %s does not hold (%.*s)\n", file, line,
               condition, static_cast<int>(state.size()), state.data());
  std::abort();
}

}  // namespace llrun
