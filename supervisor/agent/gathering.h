// Gathering: one answer made of several, which come when they come.
//
// Shared by whoever still owes an answer. When the last of them lets go, the asker is told: done,
// or refused with the words of all those that refused.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "supervisor/control/agent_client.h"

namespace llrun::agent {

class Gathering {
 public:
  // `words`: what to say when all are done, given how many and what they said.
  using Words = std::function<std::string(int count, const std::string& said)>;
  [[nodiscard]] static std::shared_ptr<Gathering> create(control::Reply reply, Words words) {
    return std::shared_ptr<Gathering>(new Gathering(std::move(reply), std::move(words)));
  }
  ~Gathering() {
    if (refused_.empty()) {
      reply_.done(words_(count_, said_));
    } else {
      reply_.refused(refused_);
    }
  }
  Gathering(const Gathering&) = delete;
  Gathering& operator=(const Gathering&) = delete;

  void take(const std::string& who, const protocol::Answer& answer) {
    if (answer.status() == protocol::Answer::STATUS_DONE) {
      ++count_;
      add(said_, answer.text());
    } else {
      add(refused_, who + ": " + answer.text());
    }
  }

 private:
  Gathering(control::Reply reply, Words words)
      : reply_(std::move(reply)), words_(std::move(words)) {}
  static void add(std::string& lines, const std::string& line) {
    if (!lines.empty()) lines += '\n';
    lines += line;
  }

  control::Reply reply_;
  Words words_;
  int count_ = 0;
  std::string said_, refused_;
};

}  // namespace llrun::agent
