// AgentLine: a guest supervisor's line to the agent of its node.
//
// It lives on the I/O thread: the control loop may be waiting for a file of the view, and that for
// the link, whose next channel comes over this line.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/event_loop.h"
#include "supervisor/control/agent_client.h"
#include "supervisor/job/io_thread.h"

namespace llrun {

class AgentLine {
 public:
  struct Handlers {
    // On the I/O thread.
    std::function<void(control::GivenChannel, const control::Reply&)> give_channel;
    // On the control loop's thread.
    std::function<void(const protocol::ComeHome&, const control::Reply&)> come_home;
    std::function<void(const protocol::StandBack&, const control::Reply&)> stand_back;
    std::function<void(const protocol::Holding&, const control::Reply&)> home_says;
  };

  // `control` must not run any more when this object ends.
  [[nodiscard]] static Result<std::unique_ptr<AgentLine>> create(IoThread& io, EventLoop& control,
                                                                 Handlers handlers);
  ~AgentLine();  // what has been said is pushed out first
  AgentLine(const AgentLine&) = delete;
  AgentLine& operator=(const AgentLine&) = delete;

  // As AgentClient's, from the control loop's thread.
  void report(protocol::ProcessReport report);
  void finished(std::string how);

 private:
  AgentLine(IoThread& io, EventLoop& control) : io_(io), control_(control) {}
  // Hands a question to the control loop, and its answer back.
  template <typename Question>
  [[nodiscard]] std::function<void(const Question&, control::Reply)> on_control(
      std::function<void(const Question&, const control::Reply&)> handler);

  IoThread& io_;
  EventLoop& control_;
  std::unique_ptr<control::AgentClient> client_;  // on the I/O thread
};

}  // namespace llrun
