#include "supervisor/guest/agent_line.h"

#include <utility>

namespace llrun {

template <typename Question>
std::function<void(const Question&, control::Reply)> AgentLine::on_control(
    std::function<void(const Question&, const control::Reply&)> handler) {
  return
      [this, handler = std::move(handler)](const Question& question, const control::Reply& reply) {
        const control::Reply from_control([this, reply](const protocol::ControlMessage& message) {
          io_.loop().post([reply, message] { reply.send(message); });
        });
        control_.post([handler, question, from_control] { handler(question, from_control); });
      };
}

Result<std::unique_ptr<AgentLine>> AgentLine::create(IoThread& io, EventLoop& control,
                                                     Handlers handlers) {
  std::unique_ptr<AgentLine> line(new AgentLine(io, control));
  control::AgentClient::Handlers on_io;
  on_io.give_channel = std::move(handlers.give_channel);
  on_io.come_home = line->on_control<protocol::ComeHome>(std::move(handlers.come_home));
  on_io.stand_back = line->on_control<protocol::StandBack>(std::move(handlers.stand_back));
  on_io.home_says = line->on_control<protocol::Holding>(std::move(handlers.home_says));
  control::AgentClient::Options options;
  options.start_agent = false;
  LLRUN_TRY_ASSIGN(line->client_, io.ask([&] {
    return control::AgentClient::create(io.loop(), options, std::move(on_io));
  }));
  return line;
}

AgentLine::~AgentLine() {
  io_.ask([this] { client_.reset(); });
}

void AgentLine::report(protocol::ProcessReport report) {
  io_.loop().post([this, report = std::move(report)] { client_->report(report); });
}

void AgentLine::finished(std::string how) {
  io_.loop().post([this, how = std::move(how)] { client_->finished(how); });
}

}  // namespace llrun
