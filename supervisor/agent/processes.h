// Processes: the supervisors that are registered here, what they last said, and questions on their
// way to them.
//
// All of it comes from the supervisors and is learned again after a restart of the agent.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/agent/event_log.h"
#include "supervisor/control/connection.h"
#include "supervisor/protocol/control.pb.h"

namespace llrun::agent {

struct Supervised {
  protocol::ProcessReport report;
  std::shared_ptr<control::Connection> supervisor;
};

class Processes {
 public:
  // Every row and answer to one question; the last one is the answer.
  using OnAnswer = std::function<void(const protocol::ControlMessage&)>;

  // Whoever learns from what processes do.
  struct Observer {
    std::function<void(const protocol::ProcessReport&)> heard;
    std::function<void(const protocol::ProcessReport&)> ended;  // its last report
    std::function<void(const protocol::ProcessReport&)> lost;   // only its supervisor has gone
  };

  explicit Processes(EventLog& log) : log_(log) {}
  void observe(Observer observer) { observer_ = std::move(observer); }

  // True when the message was a supervisor's (report, event, answer to a question).
  bool take(const std::shared_ptr<control::Connection>& from,
            const protocol::ControlMessage& message);
  // A connection has gone: what it supervised is not known any more, its open questions are
  // answered.
  void gone(const control::Connection* connection);

  [[nodiscard]] std::vector<const Supervised*> all() const;
  [[nodiscard]] const Supervised* home(int pid) const;  // a process of this node, wherever it runs
  [[nodiscard]] const Supervised* home_of(const std::string& job) const;
  // Of one journey: one of an earlier may still be here, waiting for its end.
  [[nodiscard]] const Supervised* guest(const std::string& job, std::uint32_t epoch) const;
  [[nodiscard]] std::uint32_t guests() const;
  [[nodiscard]] bool registered(std::uint32_t supervisor_pid) const;

  // The answer always comes, also when the supervisor ends before it.
  void ask(const Supervised& whom, protocol::ControlMessage question, OnAnswer on_answer,
           std::span<const int> fds = {});
  void say_to_all(const protocol::ControlMessage& message);

 private:
  struct Question {
    const control::Connection* to;
    OnAnswer on_answer;
  };
  void keep(const std::shared_ptr<control::Connection>& from,
            const protocol::ProcessReport& report);
  void finished(const control::Connection* from, const protocol::Finished& finished);
  void answered(const control::Connection* from, const protocol::ControlMessage& message);
  void log_event(const control::Connection* from, const protocol::LogEvent& event);

  EventLog& log_;
  Observer observer_;
  std::map<std::pair<const control::Connection*, int>, Supervised> processes_;
  std::map<std::uint64_t, Question> questions_;
  std::uint64_t next_question_ = 1;
};

[[nodiscard]] std::string who_is(
    const protocol::ProcessReport& report);  // "home 4711", "guest 4711"

}  // namespace llrun::agent
