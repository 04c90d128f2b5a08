#include "supervisor/home/stacks_text.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "supervisor/home/snapshot_source.h"
#include "tracer/stacks/stacks.h"

namespace llrun {
namespace {

std::string line_of(std::size_t index, const tracer::StackFrame& frame) {
  std::string line = fmt::format("  #{:<2} {:#018x} ", index, frame.pc);
  line += frame.symbol.empty() ? "??" : fmt::format("{}+{:#x}", frame.symbol, frame.offset);
  if (!frame.file.empty()) line += fmt::format(" at {}:{}", frame.file, frame.line);
  if (!frame.module.empty()) line += fmt::format(" in {}", frame.module);
  return line + "\n";
}

nlohmann::json json_of(const tracer::ThreadStack& stack) {
  nlohmann::json frames = nlohmann::json::array();
  for (const auto& frame : stack.frames)
    frames.push_back({{"pc", frame.pc},
                      {"symbol", frame.symbol},
                      {"offset", frame.offset},
                      {"module", frame.module},
                      {"build_id", frame.build_id},
                      {"file", frame.file},
                      {"line", frame.line}});
  return {{"schema", 1},
          {"tid", stack.tid.value},
          {"name", stack.name},
          {"frames", std::move(frames)},
          {"incomplete", stack.incomplete}};
}

StacksText text_of_stacks(const std::vector<tracer::ThreadStack>& stacks) {
  StacksText out;
  for (const auto& stack : stacks) {
    out.text += fmt::format("thread {} ({})\n", stack.tid.value, stack.name);
    for (std::size_t i = 0; i < stack.frames.size(); ++i) out.text += line_of(i, stack.frames[i]);
    if (!stack.incomplete.empty()) out.text += "  … " + stack.incomplete + "\n";
    // Names need not be UTF-8.
    out.json +=
        json_of(stack).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  }
  // Whoever prints it ends the line.
  for (auto* text : {&out.text, &out.json})
    if (text->ends_with('\n')) text->pop_back();
  return out;
}

}  // namespace

Result<StacksText> stacks_of(HostPid pid, tracer::Sleeps& sleeps) {
  tracer::LiveStackOptions options;
  options.sleeps = &sleeps;
  LLRUN_TRY_ASSIGN(const auto stacks, tracer::symbolised_stacks(pid, options));
  return text_of_stacks(stacks);
}

Result<StacksText> stacks_of(const protocol::StackTrace& snapshot) {
  if (!snapshot.refusal().empty()) return failure(ErrorCode::kRefused, snapshot.refusal());
  SnapshotSource source(snapshot);
  LLRUN_TRY_ASSIGN(const auto stacks, tracer::symbolised_stacks(source));
  return text_of_stacks(stacks);
}

}  // namespace llrun
