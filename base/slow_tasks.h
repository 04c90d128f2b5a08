// SlowTasks: names each task of an event loop that takes longer than a second, with who gave it to
// the loop. For tests: whoever waits in a loop makes all others wait that the loop serves.
//
// A thread of its own looks at the loops ten times a second, so that a task that never ends is
// named, too. A second is ten of its looks: while the whole process stands still, none are counted;
// nor is the time for which the loop's thread was ready and had no processor.
#pragma once

#include <memory>
#include <source_location>

namespace llrun {

class SlowTasks {
 public:
  // From here on, in the whole process. Once, after log::open().
  static void name_them();
  [[nodiscard]] static bool named();

  // Around a task, on its thread. `kind`: "timer", …
  class Around {
   public:
    Around(const char* kind, const std::source_location& given);
    ~Around();
    Around(const Around&) = delete;
    Around& operator=(const Around&) = delete;

   private:
    bool counts_;
  };
};

}  // namespace llrun
