#include <map>
#include <string_view>

#include "tracer/objects/descriptors_view.h"

namespace llrun::tracer {
namespace {

constexpr std::string_view kPrefix = "anon_inode:";

// "[timerfd]" -> "a timer"; names as fs/anon_inodes.c's callers give them.
std::string words_for(std::string_view name) {
  static const std::map<std::string_view, std::string> kWords = {
      {"[timerfd]", "a timer (timerfd)"},
      {"[signalfd]", "a signal queue (signalfd)"},
      {"inotify", "a watch on files (inotify)"},
      {"[fanotify]", "a watch on files (fanotify)"},
      {"[io_uring]", "an io_uring instance"},
      {"[pidfd]", "a handle of a process (pidfd)"},
      {"[userfaultfd]", "a handler of page faults (userfaultfd)"},
      {"[perf_event]", "a performance counter (perf)"},
      {"bpf-prog", "a BPF program"},
      {"bpf-map", "a BPF map"},
      {"bpf_link", "a BPF link"},
      {"btf", "BPF type information"},
      {"seccomp notify", "a system call listener (seccomp)"},
      {"[landlock-ruleset]", "a Landlock rule set"},
      {"mount", "a mount (fsmount)"},
      {"[fscontext]", "a filesystem being set up"},
      {"kvm-vm", "a virtual machine (KVM)"},
      {"sync_file", "a graphics fence"}};
  const auto found = kWords.find(name);
  return found == kWords.end() ? "a kernel object of the kind \"" + std::string(name) + "\""
                               : found->second;
}

Verdict judge_eventfd(const DescriptorView& view) {
  if (!view.info.eventfd_count || !view.info.eventfd_semaphore)
    return Pin{view.name() +
                   " is an event counter, and this kernel does not tell whether it counts as a "
                   "semaphore",
               "kernels from 6.5 on tell; else it can move once the program has closed it"};
  auto record = describe(view, image::Description::KIND_EVENTFD);
  record.set_eventfd_count(*view.info.eventfd_count);
  record.set_eventfd_semaphore(*view.info.eventfd_semaphore);
  return record;
}

image::Description describe_epoll(const DescriptorView& view) {
  auto record = describe(view, image::Description::KIND_EPOLL);
  for (const EpollInfo& entry : view.info.epoll) {
    auto* added = record.add_epoll();
    added->set_fd(entry.fd);
    added->set_events(entry.events);
    added->set_data(entry.data);
  }
  return record;
}

}  // namespace

Verdict judge_event_source(const DescriptorView& view) {
  const std::string_view name = std::string_view(view.link).substr(kPrefix.size());
  if (name == "[eventfd]") return judge_eventfd(view);
  if (name == "[eventpoll]") return describe_epoll(view);
  return Pin{view.name() + " is " + words_for(name), "it can move once the program has closed it"};
}

}  // namespace llrun::tracer
