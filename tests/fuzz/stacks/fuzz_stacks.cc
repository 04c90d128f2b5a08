// A stack trace as a guest's side may send it, over a file as a guest may have written it: the
// first piece is the message, in which the file's name is kFile; the rest is the file.
#include <sys/mman.h>
#include <sys/user.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "base/bytes.h"
#include "base/fd.h"
#include "supervisor/home/stacks_text.h"
#include "supervisor/job/message_check.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace llrun;
using fuzz::Counter;
using protocol::JobMessage;

Counter traces("stack traces");
Counter refused("stack traces refused", true);
Counter shown("stacks shown");
Counter named("stacks with a symbol");

constexpr const char* kFile = "/x";

// Mappings of kFile become mappings of `file`; names of other files, which would be opened as the
// user's, become names of nothing.
void put_file(protocol::StackTrace& trace, const Fd& file) {
  for (auto& mapping : *trace.mutable_mappings()) {
    if (mapping.name() == kFile)
      mapping.set_name("/proc/self/fd/" + std::to_string(file.get()));
    else if (mapping.name().starts_with('/'))
      mapping.set_name("/nowhere");
  }
}

std::string victim() {
  std::ifstream file(STACKS_FUZZ_VICTIM, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  JobMessage message;
  auto& trace = *message.mutable_stack_trace();
  const auto said = input.piece();
  if (!trace.ParseFromArray(said.data(), static_cast<int>(said.size()))) return 0;
  const Fd file(::memfd_create("x", MFD_CLOEXEC));
  LLRUN_CHECK(write_all(file.get(), std::as_bytes(std::span(input.rest()))), "write");
  if (!check_from_guest(message)) return void(++refused), 0;
  ++traces;
  put_file(trace, file);
  const auto text = stacks_of(trace);
  if (!text) return 0;
  ++shown;
  fuzz::touch(text->text + text->json);
  if (text->text.find("victim_") != std::string::npos) ++named;
  return 0;
}

// Both functions of the victim, and the program counter everywhere in them, so that one of the
// seeds has a whole frame below it.
std::vector<std::string> llrun::fuzz::seeds() {
  constexpr std::uint64_t kBase = 0x7f12'3450'0000;
  constexpr std::uint64_t kStack = 0x7ffd'0000'0000;
  const std::string file = victim();
  std::vector<std::string> seeds;
  for (std::uint64_t place = 0x200; place < 0x400; place += 0x10) {
    protocol::StackTrace trace;
    trace.set_id(1);
    auto& thread = *trace.add_threads();
    thread.set_tid(4711);
    thread.set_name("victim");
    user_regs_struct registers{};
    registers.rip = kBase + place;
    registers.rsp = kStack + 64;
    thread.set_registers(std::string(text_of(bytes_of(registers))));
    thread.set_stack_start(kStack);
    std::string stack;
    for (int i = 0; i < 64; ++i)
      stack += text_of(bytes_of(std::uint64_t{kBase + place + static_cast<unsigned>(i % 32)}));
    thread.set_stack(stack);
    auto& mapping = *trace.add_mappings();
    mapping.set_start(kBase);
    mapping.set_end(kBase + 0x4000);
    mapping.set_name(kFile);
    auto& own = *trace.add_mappings();
    own.set_start(kStack);
    own.set_end(kStack + 0x1000);
    own.set_writable(true);
    own.set_name("[stack]");
    auto& vdso = *trace.add_mappings();
    vdso.set_start(kStack + 0x10000);
    vdso.set_end(kStack + 0x12000);
    vdso.set_name("[vdso]");
    seeds.push_back(piece(trace.SerializeAsString()) + file);
  }
  return seeds;
}
