#include "supervisor/holding/secret.h"

#include <sys/random.h>

#include <cstddef>

#include "base/result.h"

namespace llrun::holding {

constexpr std::size_t kBytes = 16;

std::string new_secret() {
  std::string secret(kBytes, '\0');
  LLRUN_CHECK(::getrandom(secret.data(), secret.size(), 0) == static_cast<ssize_t>(secret.size()),
              "so few random bytes are always to be had (getrandom(2))");
  return secret;
}

bool same_secret(std::string_view one, std::string_view other) {
  if (one.size() != kBytes || other.size() != kBytes) return false;
  unsigned differing = 0;
  for (std::size_t i = 0; i < kBytes; ++i)
    differing |= static_cast<unsigned char>(one[i]) ^ static_cast<unsigned char>(other[i]);
  return differing == 0;
}

std::string why_not_its_home(const protocol::Hello& asking, const protocol::Hello& first) {
  if (asking.job() != first.job() || asking.epoch() != first.epoch())
    return "this node holds another incarnation of that program";
  if (!same_secret(asking.secret(), first.secret()))
    return "the program is another's: what home gave it as a secret was not shown";
  return "";
}

}  // namespace llrun::holding
