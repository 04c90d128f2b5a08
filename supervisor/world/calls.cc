#include "supervisor/world/calls.h"

#include <algorithm>
#include <string>

namespace llrun::world {

Reply reply_of(const Result<>& result) {
  Reply reply;
  if (result) return reply;
  reply.failed = 1;
  reply.code = result.error().code;
  reply.errno_value = result.error().errno_value;
  const auto length = std::min(result.error().attempted.size(), reply.attempted.size() - 1);
  std::copy_n(result.error().attempted.begin(), length, reply.attempted.begin());
  return reply;
}

Result<> result_of(const Reply& reply) {
  if (reply.failed == 0) return {};
  return std::unexpected(Error{reply.code, reply.errno_value, reply.attempted.data()});
}

}  // namespace llrun::world
