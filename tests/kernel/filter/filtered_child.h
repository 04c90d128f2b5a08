// A child process that puts the guest's filter on itself, and the listener of that filter here.
#pragma once

#include <linux/filter.h>
#include <sys/types.h>

#include <functional>
#include <optional>
#include <vector>

#include "base/fd.h"
#include "tracer/filter/filter.h"
#include "tracer/filter/notifier.h"

namespace llrun {

struct ChildOptions {
  FilterOptions filter;
  unsigned long install_flags = 0;  // SECCOMP_FILTER_FLAG_* beside NEW_LISTENER
};

class FilteredChild {
 public:
  using Install = std::function<void()>;
  // What the child does; it must call `install` once. Its result is the exit status.
  using Body = std::function<int(const Install& install)>;

  FilteredChild(const ChildOptions& options, const Body& body);
  ~FilteredChild();  // kills it if it still runs
  FilteredChild(const FilteredChild&) = delete;
  FilteredChild& operator=(const FilteredChild&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] const Notifier& notifier() const { return *notifier_; }
  // The next notified call; fails the test if none comes.
  [[nodiscard]] NotifiedCall next_call() const;
  // Waits for the end: the exit status, or 1000 + signal.
  [[nodiscard]] int exit_status();

 private:
  pid_t pid_ = -1;
  std::optional<Notifier> notifier_;
};

// Installs `program` on the calling process and returns the listener, or −errno.
int install_filter(std::vector<sock_filter> program, unsigned long flags);

}  // namespace llrun
