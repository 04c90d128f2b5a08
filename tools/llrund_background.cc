#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "supervisor/control/start_agent.h"
#include "tools/llrund.h"

namespace llrun::daemon {

Result<> go_to_background() {
  const pid_t child = ::fork();
  if (child < 0) return system_error("fork");
  if (child > 0) ::_exit(0);
  if (::setsid() < 0) return system_error("start a session");
  // It would keep a filesystem from being unmounted.
  if (::chdir("/") != 0) return system_error("change to /");
  ::umask(077);
  return {};
}

void tell_starter(Fd ready_fd, const Result<>& outcome) {
  if (!ready_fd.valid()) return;
  // An agent that runs already is as good: it listens.
  const bool good = outcome || outcome.error().code == ErrorCode::kRefused;
  const std::string words = good ? control::kAgentReady : outcome.error().message();
  (void)write_all(ready_fd.get(), bytes_of(std::string_view(words)));
}

}  // namespace llrun::daemon
