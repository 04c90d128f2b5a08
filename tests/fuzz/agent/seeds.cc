#include "tests/fuzz/agent/seeds.h"

#include "base/bytes.h"
#include "imagefmt/wire.h"
#include "supervisor/protocol/agent.pb.h"
#include "supervisor/protocol/hello.pb.h"
#include "supervisor/protocol/version.h"
#include "tests/fuzz/fuzz.h"

namespace llrun::fuzz {
namespace {

using protocol::AgentMessage;
using protocol::Hello;

AgentMessage load_of(const std::string& node, double running) {
  AgentMessage message;
  message.set_ping(12345);
  auto& load = *message.mutable_load();
  load.set_node(node);
  load.set_run_queue(running);
  load.set_running(running);
  load.set_cores(4);
  load.set_capacity(4);
  load.set_speed(1.5);
  load.set_cpu_idle(2);
  load.set_free_memory_bytes(std::uint64_t{1} << 31);
  load.set_total_memory_bytes(std::uint64_t{1} << 32);
  load.set_pressure_cpu(3);
  load.set_pressure_memory(-1);
  load.set_levelling(true);
  load.set_accepts(true);
  load.set_incoming(1);
  load.set_measured_at_ms(1'700'000'000'000);
  load.set_interval_ms(1000);
  for (int i = 0; i < 16; ++i) load.add_census(i == 5 ? 2.5F : 0);
  return message;
}

Hello hello(Hello::Purpose purpose) {
  Hello message;
  message.set_version(kProtocolVersion);
  message.set_node("b");
  message.set_purpose(purpose);
  message.set_job("job");
  message.set_epoch(1);
  message.set_program("povray");
  message.set_memory_bytes(100 << 20);
  message.mutable_offer()->set_source_s_per_cpu_s(2);
  message.mutable_offer()->set_cpu_rate(1);
  message.mutable_offer()->set_at_most_s(3);
  auto& traits = *message.mutable_traits();
  traits.set_cpu_vendor("GenuineIntel");
  traits.add_cpu_flags("avx2");
  traits.set_xcr0(7);
  traits.set_xsave_size(832);
  traits.set_vdso("0123456789abcdef");
  traits.set_hosts_guests(true);
  return message;
}

std::string frame(wire::FrameType type, const std::string& payload) {
  const auto head = wire::encode({static_cast<std::uint32_t>(payload.size()), type, 0, 0, 0});
  return std::string(text_of(head)) + payload;
}

std::string conversation() {
  AgentMessage verb;
  verb.mutable_verb()->set_id(1);
  verb.mutable_verb()->mutable_verb()->set_verb("status");
  AgentMessage row;
  row.mutable_answer()->set_id(1);
  row.mutable_answer()->mutable_row()->set_line("a line");
  AgentMessage answer;
  answer.mutable_answer()->set_id(1);
  answer.mutable_answer()->mutable_answer()->set_text("done");
  std::string frames =
      frame(wire::FrameType::kHello, hello(Hello::PURPOSE_AGENT).SerializeAsString());
  AgentMessage question;
  question.mutable_holding_question()->set_job("a-4711-5f");
  question.mutable_holding_question()->set_epoch(1);
  AgentMessage holding;
  holding.mutable_holding_answer()->set_id(1);
  holding.mutable_holding_answer()->mutable_holding()->mutable_origin()->set_identity("one");
  for (const auto& message : {load_of("b", 3), verb, row, answer, question, holding})
    frames += frame(wire::FrameType::kAgent, message.SerializeAsString());
  return frames;
}

}  // namespace

std::vector<std::string> seeds() {
  const std::string loads = piece(load_of("home", 9).SerializeAsString()) +
                            piece(load_of("b", 0.5).SerializeAsString()) +
                            piece(load_of("c", 2).SerializeAsString());
  return {std::string(1, kLoads) + loads,
          std::string(1, kHello) + hello(Hello::PURPOSE_JOB).SerializeAsString(),
          std::string(1, kHello) + hello(Hello::PURPOSE_AGENT).SerializeAsString(),
          std::string(1, kStream) + conversation(),
          std::string(1, kStream) + frame(wire::FrameType::kRefusal, "no")};
}

}  // namespace llrun::fuzz
