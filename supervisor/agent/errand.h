// Errands: programs that the agent runs for an answer, without waiting for them.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "base/event_loop.h"

namespace llrun::agent {

class Errands {
 public:
  struct Outcome {
    std::vector<std::string> lines;  // of its standard output
    std::string how;                 // it ended, in words
  };
  using Done = std::function<void(const Outcome&)>;
  static constexpr std::chrono::seconds kLimit{30};
  static constexpr std::size_t kMostBytes = 1U << 20;  // of output; what is more is dropped

  explicit Errands(EventLoop& loop) : loop_(loop) {}
  ~Errands();  // ends those under way; nobody is told
  Errands(const Errands&) = delete;
  Errands& operator=(const Errands&) = delete;

  // `done` is called once, from the loop.
  void run(std::vector<std::string> words, Done done);

 private:
  struct Errand {
    int pid = 0;
    Fd out;
    std::string text;
    EventLoop::TimerId timer = 0;
    Done done;
  };
  void read(std::list<Errand>::iterator errand);
  void finish(std::list<Errand>::iterator errand, const std::string& trouble);

  EventLoop& loop_;
  std::list<Errand> errands_;
};

}  // namespace llrun::agent
