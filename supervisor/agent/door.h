// Door: channels that come in by `llrund --stdio`. Reads who knocks, and lets in, hands over, or
// refuses in words.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>

#include "base/event_loop.h"
#include "supervisor/agent/event_log.h"
#include "supervisor/agent/guest_group.h"
#include "supervisor/agent/guest_limits.h"
#include "supervisor/agent/guest_process.h"
#include "supervisor/agent/hello_reader.h"
#include "supervisor/agent/processes.h"
#include "supervisor/config/config.h"

namespace llrun::agent {

class Door {
 public:
  struct Surroundings {
    EventLoop& loop;
    const config::Config& config;
    EventLog& log;
    Processes& processes;
    std::string supervisor_program;  // llrun-supervisor
    GuestLimits& limits;
    const GuestGroup& group;
    // Why a program of another node is not welcome now, by switches, room and strategy; empty: it
    // is.
    std::function<std::string(const protocol::Hello&)> why_not;
    // Why another agent is not listened to; empty: it is.
    std::function<std::string(const protocol::Hello&)> why_no_agent;
    std::function<void(const protocol::Hello&, ChannelEnds)> agent_came;
    const protocol::Origin& origin;  // who speaks here
  };
  static constexpr std::chrono::seconds kPatience{20};

  explicit Door(Surroundings around) : around_(std::move(around)) {}
  ~Door();
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;

  void knock(ChannelEnds ends);

 private:
  struct Visitor {
    ChannelEnds ends;
    std::unique_ptr<HelloReader> reader;
  };
  void hello_came(std::list<Visitor>::iterator visitor, Result<ReceivedHello> hello);
  void serve(const ReceivedHello& hello, ChannelEnds ends);
  void start_guest(const ReceivedHello& hello, ChannelEnds ends);
  void resume_guest(const ReceivedHello& hello, ChannelEnds ends);
  void tell_holding(const protocol::Hello& hello, const ChannelEnds& ends);
  void refuse(const ChannelEnds& ends, const std::string& who, const std::string& why);
  void watch(GuestProcess guest);
  [[nodiscard]] GuestStart start_of(const ReceivedHello& hello) const;
  [[nodiscard]] std::string why_not(const protocol::Hello& hello) const;  // empty: welcome

  Surroundings around_;
  std::list<Visitor> visitors_;
  std::list<GuestProcess> guests_;  // started here and not yet reaped
  std::string last_told_;           // of a job that nobody has registered for
};

}  // namespace llrun::agent
