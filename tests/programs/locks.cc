// Thread pointer, restartable sequences, robust locks and the memory a joiner waits on go with each
// thread.
#include <pthread.h>
#include <sched.h>
#include <sys/rseq.h>
#include <unistd.h>

#include <cerrno>

#include "tests/programs/steps.h"

namespace {

pthread_mutex_t robust;
thread_local std::uint64_t canary = 0x0123456789abcdef;

void make_robust_mutex() {
  pthread_mutexattr_t attributes;
  ::pthread_mutexattr_init(&attributes);
  ::pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  ::pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_NONE);
  ::pthread_mutex_init(&robust, &attributes);
}

// Takes the lock, works, and ends without giving it back: the kernel marks it through the robust
// list.
void* die_holding(void*) {
  ::pthread_mutex_lock(&robust);
  steps::work(2);
  return nullptr;
}

void check_robust_lock() {
  pthread_t thread{};
  ::pthread_create(&thread, nullptr, die_holding, nullptr);
  ::pthread_join(thread, nullptr);  // a futex that the kernel clears and wakes at the thread's end
  const int result = ::pthread_mutex_lock(&robust);
  steps::check(result == EOWNERDEAD, "locking after its owner died gave %d", result);
  if (result == EOWNERDEAD) ::pthread_mutex_consistent(&robust);
  ::pthread_mutex_unlock(&robust);
}

// glibc registers an rseq area in every thread; the kernel keeps the processor's number in it up to
// date.
void check_rseq() {
  const auto* area = reinterpret_cast<const volatile struct rseq*>(
      static_cast<const char*>(__builtin_thread_pointer()) + __rseq_offset);
  steps::check(__rseq_size > 0, "glibc has registered no rseq area");
  bool equal = false;
  for (int attempt = 0; attempt < 1000 && !equal; ++attempt) {
    unsigned processor = 0;
    ::getcpu(&processor, nullptr);
    equal = area->cpu_id == processor;
  }
  steps::check(equal, "rseq says processor %u", area->cpu_id);
}

}  // namespace

int main(int argc, char** argv) {
  steps::begin(argc, argv);
  make_robust_mutex();
  while (steps::next()) {
    ::pthread_mutex_lock(&robust);
    const std::uint64_t before = canary;
    canary = steps::mixed(canary);
    steps::work(3);
    steps::check(canary == steps::mixed(before), "a thread-local value");
    ::pthread_mutex_unlock(&robust);
    check_robust_lock();
    check_rseq();
  }
  return steps::finish();
}
