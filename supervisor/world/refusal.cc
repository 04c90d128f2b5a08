#include "supervisor/world/refusal.h"

#include <string>

#include "base/fd.h"

namespace llrun::world {
namespace {

bool setting_is(const char* path, char value) {
  const auto text = read_whole_file(path);
  return text && !text->empty() && text->front() == value;
}

const char* forbidding_setting() {
  if (setting_is("/proc/sys/kernel/unprivileged_userns_clone", '0'))
    return "sysctl kernel.unprivileged_userns_clone is 0; 1 would allow it";
  if (setting_is("/proc/sys/user/max_user_namespaces", '0'))
    return "sysctl user.max_user_namespaces is 0; a number such as 10000 would allow it";
  if (setting_is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", '1'))
    return "sysctl kernel.apparmor_restrict_unprivileged_userns is 1; 0, or an AppArmor profile "
           "for "
           "llrund with the rule userns, would allow it";
  return "a seccomp filter of a container, a chroot or a security module forbids it, or "
         "user.max_user_namespaces is used up";
}

}  // namespace

Error user_namespace_refusal(int errno_value) {
  return {ErrorCode::kUnsupported, errno_value,
          std::string("make a user namespace (") + forbidding_setting() + ")"};
}

}  // namespace llrun::world
