// AgentClient: a supervisor's line to the agent of its node.
//
// The agent holds nothing about a job that it could not learn again here: the client keeps the last
// report, connects again by itself when the agent has ended or was restarted, and registers again
// with that report. While no agent can be reached nothing fails and nothing blocks: the program
// runs on where it is, reports and log events wait (events up to a bound, of reports only the
// newest), and `connected` tells the owner. Everything happens on the loop's thread, the thread
// that calls these functions.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "base/fd.h"
#include "base/result.h"
#include "supervisor/protocol/control.pb.h"

namespace llrun::control {

// The way back to whoever asked (llrunctl, by way of the agent). Copyable, may be kept and used
// later from the loop's thread; when the asker has gone what is said here is dropped. Say done,
// refused or answer once; rows may precede it.
class Reply {
 public:
  using Send = std::function<void(protocol::ControlMessage)>;  // fills in the id

  explicit Reply(Send send) : send_(std::move(send)) {}
  void row(const protocol::Row& row) const;
  void done(std::string text = {}, std::string json = {}) const;
  void refused(std::string words) const;  // what, why, what to do
  void answer(const protocol::Answer& answer) const;
  void send(protocol::ControlMessage message) const { send_(std::move(message)); }

 private:
  Send send_;
};

// {in, out, lifeline} of a channel whose Hello has been read: `in` is read from, `out` written to,
// and the channel's process lives on as long as anybody holds `lifeline`.
struct GivenChannel {
  std::string hello;  // the serialised protocol.Hello
  Fd in, out, lifeline;
};

class AgentClient {
 public:
  // What the agent asks of a supervisor. Unset ones are refused in words.
  struct Handlers {
    std::function<void(const protocol::Migrate&, Reply)> migrate;
    std::function<void(const protocol::ComeHome&, Reply)> come_home;
    std::function<void(const protocol::Why&, Reply)> why;      // a Row.pin for each pin, then done
    std::function<void(const protocol::Stack&, Reply)> stack;  // answer.text and answer.json
    std::function<void(const protocol::PinByHand&, Reply)> pin_by_hand;
    std::function<void(const protocol::Files&, Reply)> files;  // answer.text and answer.json
    std::function<void(const protocol::Forget&, Reply)> forget;
    // Only guest supervisors get these.
    std::function<void(GivenChannel, Reply)> give_channel;
    std::function<void(const protocol::StandBack&, Reply)> stand_back;
    std::function<void(const protocol::Holding&, Reply)> home_says;
    std::function<void(bool yes, const std::string& why_not)> connected;  // at every change
  };
  struct Options {
    std::string node;         // name of the agent; empty: this node's, as the configuration has it
    std::string socket;       // address of its control socket; empty: wherever it is found
    std::string llrund;       // the agent's program; empty: `llrund` beside /proc/self/exe
    bool start_agent = true;  // start it when nobody listens
  };

  // Begins to connect; never waits. Fails only when the options name no usable place for a socket.
  [[nodiscard]] static Result<std::unique_ptr<AgentClient>> create(EventLoop& loop, Options options,
                                                                   Handlers handlers);
  virtual ~AgentClient() = default;  // closes: to the agent that means the supervisor has ended

  // What the agent knows of the process. The first registers; call once a second and at every
  // change.
  virtual void report(protocol::ProcessReport report) = 0;
  // A line for the log and its followers; pid and kind as in LogEvent.
  virtual void event(std::string kind, std::string text) = 0;
  // The process has ended ("exit status 0"). The last thing to be said; pushed out before the
  // client closes.
  virtual void finished(std::string how) = 0;

  [[nodiscard]] virtual bool connected() const = 0;
  [[nodiscard]] virtual const std::string& node()
      const = 0;  // the agent's name, also before connecting
};

}  // namespace llrun::control
