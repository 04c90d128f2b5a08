// Guests whose supervisors are the ends of one socket, and what they are told.
#pragma once

#include <sys/socket.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "supervisor/agent/processes.h"
#include "supervisor/migration/machine.h"
#include "tests/unit/control/fixture.h"

namespace llrun::agent {

class GuestsFixture : public control::ControlFixture {
 protected:
  void SetUp() override {
    ControlFixture::SetUp();
    auto pair = make_socketpair(SOCK_SEQPACKET);
    ASSERT_TRUE(pair);
    agent_end_ = *control::Connection::create(*loop_, std::move(pair->first));
    guests_ = *control::Connection::create(*loop_, std::move(pair->second));
    agent_end_->listen([this](const protocol::ControlMessage& message,
                              auto) { processes_.take(agent_end_, message); },
                       [](const std::string&) {});
    guests_->listen(
        [this](protocol::ControlMessage message, auto) { told_.push_back(std::move(message)); },
        [](const std::string&) {});
  }

  static protocol::ProcessReport report_of(int pid) {
    protocol::ProcessReport report;
    report.set_pid(pid);
    report.set_supervisor_pid(static_cast<std::uint32_t>(pid) + 1000);
    report.set_role(protocol::ProcessReport::ROLE_GUEST);
    report.set_state(std::string(migration::name(migration::GuestState::kSettled)));
    return report;
  }
  void hear(const protocol::ProcessReport& report) {
    protocol::ControlMessage message;
    *message.mutable_report() = report;
    processes_.take(agent_end_, message);
  }
  void guest(int pid, std::uint64_t mebibytes) {
    auto report = report_of(pid);
    report.set_resident_bytes(mebibytes << 20);
    hear(report);
  }
  // What the supervisors have been told since the last time.
  std::vector<protocol::ControlMessage> take_told() {
    protocol::ControlMessage mark;
    mark.mutable_verb()->set_verb("mark");
    agent_end_->send(mark);
    run_until([&] { return !told_.empty() && told_.back().has_verb(); });
    told_.pop_back();
    return std::exchange(told_, {});
  }

  EventLog log_{"", "test"};
  Processes processes_{log_};
  std::shared_ptr<control::Connection> agent_end_, guests_;

 private:
  std::vector<protocol::ControlMessage> told_;
};

}  // namespace llrun::agent
