#include "base/thread.h"

#include <csignal>
#include <system_error>
#include <utility>

namespace llrun {

Result<std::thread> make_thread(std::function<void()> body) {
  try {
    return std::thread(std::move(body));
  } catch (const std::system_error& problem) {
    return system_error("make a thread", problem.code().value());
  }
}

Result<std::thread> make_thread_without_signals(std::function<void()> body) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  auto thread = make_thread(std::move(body));
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace llrun
