// crowded THREADS HOW FILE: waits with that many threads until FILE is there, and then ends, with status 7 unless a signal
// ends it. HOW is who does it: exits (another thread), execs (the main thread, another program), other-execs, main-only
// (ends alone; another thread ends the program when FILE.then is there), handles (a handler of SIGTERM), waits (nobody).
// Says "ready" once all are there.
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>

namespace {

constexpr unsigned kPause = 20'000;  // us

void wait_for(const std::string& file) {
  while (::access(file.c_str(), F_OK) != 0) ::usleep(kPause);
}

[[noreturn]] void wait_for_ever() {
  for (;;) ::pause();
}

[[noreturn]] void become_another() {
  ::execl("/bin/sh", "sh", "-c", "exit 7", nullptr);
  ::_exit(99);
}

}  // namespace

int main(int count, char** words) {
  if (count != 4) return 2;
  const int threads = std::atoi(words[1]);
  const std::string_view how = words[2];
  const std::string file = words[3];
  const bool other_acts = threads > 1 && (how == "exits" || how == "other-execs");
  if (how == "handles") ::signal(SIGTERM, [](int) { ::_exit(7); });
  for (int i = 1; i < threads; ++i)
    std::thread([=, acts = i == threads / 2] {
      if (acts && other_acts) {
        wait_for(file);
        if (how == "exits") ::_exit(7);
        become_another();
      }
      if (acts && how == "main-only") {
        wait_for(file + ".then");
        ::_exit(7);
      }
      wait_for_ever();
    }).detach();
  std::puts("ready");
  std::fflush(stdout);
  if (other_acts || how == "handles" || how == "waits") wait_for_ever();
  wait_for(file);
  if (how == "main-only") ::syscall(SYS_exit, 7);
  if (how == "exits") ::_exit(7);
  become_another();
}
