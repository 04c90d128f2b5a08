// What the kernel keeps for a process besides memory and files: directory, limits, masks, names,
// priorities.
#include <sched.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "tests/programs/steps.h"

namespace {

constexpr int kSetMdwe = 65;  // PR_SET_MDWE, Linux 6.3: before that there is nothing to be kept
constexpr int kGetMdwe = 66;
constexpr int kResources[] = {RLIMIT_NOFILE, RLIMIT_STACK, RLIMIT_CORE,
                              RLIMIT_FSIZE,  RLIMIT_AS,    RLIMIT_CPU};

struct Setting {
  std::string directory;
  mode_t mask;
  rlimit limits[std::size(kResources)];
  int niceness, policy, personality, dumpable, slack, subreaper, keep_capabilities, denied_memory;
  char name[16];
  std::vector<gid_t> groups;
};

mode_t current_mask() {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return mask;
}

Setting current() {
  Setting now{};
  char path[4096];
  now.directory = ::getcwd(path, sizeof path) == nullptr ? "?" : path;
  now.mask = current_mask();
  for (std::size_t at = 0; at < std::size(kResources); ++at)
    ::getrlimit(static_cast<__rlimit_resource_t>(kResources[at]), &now.limits[at]);
  now.niceness = ::getpriority(PRIO_PROCESS, 0);
  now.policy = ::sched_getscheduler(0);
  now.personality = ::personality(0xffffffff);
  now.dumpable = ::prctl(PR_GET_DUMPABLE);
  now.slack = ::prctl(PR_GET_TIMERSLACK);
  ::prctl(PR_GET_CHILD_SUBREAPER, &now.subreaper);
  now.keep_capabilities = ::prctl(PR_GET_KEEPCAPS);
  now.denied_memory = ::prctl(kGetMdwe, 0, 0, 0, 0);
  ::prctl(PR_GET_NAME, now.name);
  now.groups.resize(64);
  now.groups.resize(static_cast<std::size_t>(std::max(0, ::getgroups(64, now.groups.data()))));
  return now;
}

void check_same(const Setting& then, const Setting& now) {
  steps::check(then.directory == now.directory, "the directory is %s", now.directory.c_str());
  steps::check(then.mask == now.mask, "the umask is %o", now.mask);
  for (std::size_t at = 0; at < std::size(kResources); ++at)
    steps::check(std::memcmp(&then.limits[at], &now.limits[at], sizeof(rlimit)) == 0,
                 "limit %d is %lu", kResources[at], now.limits[at].rlim_cur);
  steps::check(then.niceness == now.niceness, "the niceness is %d", now.niceness);
  steps::check(then.policy == now.policy, "the scheduling policy is %d", now.policy);
  steps::check(then.personality == now.personality, "the personality is %x",
               static_cast<unsigned>(now.personality));
  steps::check(then.dumpable == now.dumpable, "dumpable is %d", now.dumpable);
  steps::check(then.slack == now.slack, "the timer slack is %d", now.slack);
  steps::check(then.subreaper == now.subreaper, "subreaper is %d", now.subreaper);
  steps::check(then.denied_memory == now.denied_memory, "denied memory is %d", now.denied_memory);
  steps::check(std::strcmp(then.name, now.name) == 0, "the name is %s", now.name);
  steps::check(then.groups == now.groups, "%zu groups", now.groups.size());
}

void lower(int resource, rlim_t value) {
  rlimit limit{};
  ::getrlimit(static_cast<__rlimit_resource_t>(resource), &limit);
  limit.rlim_cur = value;
  ::setrlimit(static_cast<__rlimit_resource_t>(resource), &limit);
}

void make_unusual() {
  steps::check(::mkdir("a directory", 0700) == 0 && ::chdir("a directory") == 0, "chdir");
  ::umask(0137);
  lower(RLIMIT_NOFILE, 777);
  lower(RLIMIT_CORE, 0);
  lower(RLIMIT_FSIZE, 123456789);
  steps::check(::setpriority(PRIO_PROCESS, 0, 7) == 0, "nice");
  const sched_param none{};
  steps::check(::sched_setscheduler(0, SCHED_BATCH, &none) == 0, "batch scheduling");
  ::prctl(PR_SET_TIMERSLACK, 77777);
  ::prctl(PR_SET_NAME, "an odd name");
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::prctl(kSetMdwe, 1, 0, 0, 0);
}

}  // namespace

int main(int argc, char** argv) {
  steps::begin(argc, argv);
  make_unusual();
  const Setting then = current();
  while (steps::next()) {
    steps::work(7);
    check_same(then, current());
  }
  return steps::finish();
}
