#include "tracer/calls/document.h"

#include <fmt/format.h>

#include <map>

#include "tracer/calls/call_table.h"

namespace llrun {
namespace {

constexpr std::string_view kHead = R"(# System calls of a guest

Where each system call of a program that runs away from home is executed, and why. Made from
`tracer/calls/syscalls.def` by `ninja document_calls`; a test fails when the two differ.

| class | meaning |
| --- | --- |
| native | executed by the guest at full speed |
| thread | made by the guest under an id from home; a new *process* brings home |
| traced | executed by the guest; its result is looked at, and put right where it names a sender |
| home | executed at home by the shadow |
| brings home | the program comes home and executes the call there, once |
| by … | native or not by what is named there (`tracer/calls/conditions.cc`) |

What its supervisor injects into a guest may be what the guest may make itself, and the calls that are marked *injected*. Those
marked *never* nobody can have executed on a peer (`docs/world.md`, "What binds a guest"), nor sockets of the families and
new namespaces that `never_when` lists (`tracer/calls/conditions.cc`).

Calls that are not listed bring the program home, and so do calls through the 32-bit and x32 entries.
Calls that concern a descriptor whose other side lives at home (input that others may read too, the terminal,
a file whose offset is shared with processes outside the job) go home whatever their class.

)";

std::string arguments_of(const CallRow& row) {
  std::string text;
  for (const auto kind : row.args)
    if (kind != ArgKind::kNone) text += (text.empty() ? "" : ", ") + std::string(name_of(kind));
  return text;
}

std::string class_of(const CallRow& row) {
  if (row.where != CallClass::kConditional) return std::string(name_of(row.where));
  return fmt::format("by {}", name_of(row.decision));
}

std::string line_of(const CallRow& row) {
  return fmt::format("| {} | {} | {} | {} | {} | {} |\n", row.number, row.name, arguments_of(row),
                     class_of(row), name_of(row.maker), row.why);
}

std::string counts() {
  std::map<CallClass, int> count;
  for (const auto& row : call_table()) ++count[row.where];
  std::string text;
  for (const auto& [where, rows] : count)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", rows, name_of(where));
  return fmt::format("{} calls: {}.\n\n", call_table().size(), text);
}

}  // namespace

std::string call_document() {
  std::string text(kHead);
  text += counts();
  text +=
      "| number | call | arguments | where | on a peer | why |\n"
      "| --- | --- | --- | --- | --- | --- |\n";
  for (const auto& row : call_table()) text += line_of(row);
  return text;
}

}  // namespace llrun
