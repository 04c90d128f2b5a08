// A program whose stacks are known: each thread sits in a call chain of its own until the other end
// of its stdin closes. Ends with 7 when nothing disturbed it.
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <thread>

namespace victim {

volatile int sink = 0;
int wake_pipe[2];
pthread_barrier_t ready;
volatile sig_atomic_t handled = 0;

void disturbed() { ::_exit(9); }

void wait_until_woken() {
  char byte = 0;
  if (::read(wake_pipe[0], &byte, 1) != 0) disturbed();
}

// Blocks in the kernel, in a call that returns EINTR on a mere stop.
[[gnu::noinline]] void poll_forever(int epoll) {
  epoll_event event{};
  if (::epoll_wait(epoll, &event, 1, -1) != 1) disturbed();
  sink = sink + 1;
}

[[gnu::noinline]] void poller_middle(int epoll) {
  poll_forever(epoll);
  sink = sink + 1;
}

void poller() {
  const int epoll = ::epoll_create1(0);
  epoll_event event{EPOLLHUP, {}};
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, wake_pipe[0], &event) != 0) disturbed();
  pthread_barrier_wait(&ready);
  poller_middle(epoll);
}

[[gnu::noinline]] void recursion(int depth) {
  char room[100];
  room[depth] = static_cast<char>(depth);
  if (depth == 0)
    wait_until_woken();
  else
    recursion(depth - 1);
  sink = sink + room[depth];
}

void recurser() {
  pthread_barrier_wait(&ready);
  recursion(5);
  sink = sink + 1;
}

void on_signal(int) {
  pthread_barrier_wait(&ready);
  wait_until_woken();
  handled = 1;
}

// A fault in the middle of a function: its address is exact, no call precedes it.
[[gnu::noinline]] void interrupted() {
  asm volatile("ud2" ::: "memory");
  sink = sink + 1;
}

void skip_instruction(int signal, siginfo_t*, void* context) {
  on_signal(signal);
  static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP] += 2;
}

[[gnu::noinline]] void handler_user() {
  struct sigaction action {};
  action.sa_sigaction = skip_instruction;
  action.sa_flags = SA_SIGINFO;
  ::sigaction(SIGILL, &action, nullptr);
  interrupted();
  sink = sink + 1;
}

}  // namespace victim

int main() {
  using namespace victim;
  if (::pipe(wake_pipe) != 0) return 1;
  pthread_barrier_init(&ready, nullptr, 4);
  std::thread threads[] = {std::thread(poller), std::thread(recurser), std::thread(handler_user)};
  pthread_barrier_wait(&ready);
  if (::write(1, "r", 1) != 1) return 1;
  char byte = 0;
  if (::read(0, &byte, 1) != 0) return 9;
  ::close(wake_pipe[1]);
  for (auto& thread : threads) thread.join();
  return handled ? 7 : 8;
}
