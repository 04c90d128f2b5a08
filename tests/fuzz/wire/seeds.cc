#include "base/bytes.h"
#include "imagefmt/wire.h"
#include "supervisor/protocol/hello.pb.h"
#include "supervisor/protocol/job.pb.h"
#include "tests/fuzz/fuzz.h"

namespace {
using llrun::wire::FrameType;

std::string frame(FrameType type, const std::string& payload) {
  const auto head =
      llrun::wire::encode({static_cast<std::uint32_t>(payload.size()), type, 0, 1, 0});
  return std::string(llrun::text_of(head)) + payload;
}

std::string hello() {
  llrun::protocol::Hello message;
  message.set_version(1);
  message.set_node("a");
  message.set_job("job");
  message.mutable_traits()->add_cpu_flags("avx2");
  return frame(FrameType::kHello, message.SerializeAsString());
}

std::string pages(std::uint32_t count) {
  const llrun::wire::PagesHeader header{0x400000, count, 0};
  return frame(FrameType::kPages, std::string(llrun::text_of(llrun::bytes_of(header))) +
                                      std::string(count * llrun::wire::kPageSize, 'p'));
}

void fill(llrun::image::Process& image) {
  image.set_pid(4711);
  image.set_host_name("home");
  image.set_working_directory("/home/u");
  auto* mapping = image.mutable_memory()->add_mappings();
  mapping->set_start(0x400000);
  mapping->set_end(0x402000);
  mapping->set_path("/bin/x");
  for (const int tid : {4711, 4712}) {
    auto* thread = image.add_threads();
    thread->set_tid(tid);
    thread->set_registers(std::string(216, 'r'));
    thread->set_xstate(std::string(832, 'x'));
    thread->add_pending()->set_siginfo(std::string(128, 's'));
  }
  image.add_actions()->set_signal(2);
  auto* description = image.add_descriptions();
  description->set_kind(llrun::image::Description::KIND_PIPE_INNER);
  description->set_pipe_capacity(65536);
  description->set_pipe_content("in flight");
  image.add_descriptors()->set_number(3);
}

std::string job_image() {
  llrun::protocol::JobMessage message;
  fill(*message.mutable_image());
  return frame(FrameType::kJob, message.SerializeAsString());
}

std::string home_image() {
  llrun::protocol::JobMessage message;
  fill(*message.mutable_home_image()->mutable_image());
  return frame(FrameType::kJob, message.SerializeAsString());
}

std::string home_call() {
  llrun::protocol::JobMessage message;
  auto* call = message.mutable_home_call();
  call->set_number(1);
  call->add_arguments(1);
  call->add_buffers()->set_input("bytes");
  return frame(FrameType::kJob, message.SerializeAsString());
}

// The image in two pieces, as one that is longer than a frame travels.
std::string parts() {
  llrun::protocol::JobMessage message;
  fill(*message.mutable_image());
  const std::string whole = message.SerializeAsString();
  std::string frames;
  for (const bool last : {false, true}) {
    llrun::protocol::JobMessage carrier;
    carrier.mutable_part()->set_piece(last ? whole.substr(100) : whole.substr(0, 100));
    carrier.mutable_part()->set_last(last);
    frames += frame(FrameType::kJob, carrier.SerializeAsString());
  }
  return frames;
}
}  // namespace

// The first byte: in how small pieces the rest arrives; 0, at once.
std::vector<std::string> llrun::fuzz::seeds() {
  const std::string whole = hello() + job_image() + pages(1) + pages(3) + home_call() +
                            home_image() + frame(FrameType::kKeepAlive, std::string(8, '\0'));
  std::vector<std::string> seeds;
  for (const auto& stream :
       {hello(), job_image(), pages(1), pages(4), home_call(), home_image(), parts(), whole})
    seeds.push_back(std::string(1, '\0') + stream);
  seeds.push_back(std::string(1, '\7') + whole);
  return seeds;
}
