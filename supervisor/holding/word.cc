#include "supervisor/holding/word.h"

namespace llrun::holding {
namespace {

constexpr std::size_t kLongestText = 1000;
constexpr std::size_t kLongestName = 64;

void cut(std::string& text, std::size_t length) {
  if (text.size() > length) text.resize(length);
}

}  // namespace

protocol::Holding bounded(protocol::Holding heard) {
  cut(*heard.mutable_text(), kLongestText);
  // What is cut is none's, so that it proves nothing.
  cut(*heard.mutable_origin()->mutable_identity(), kLongestName);
  cut(*heard.mutable_origin()->mutable_boot_id(), kLongestName);
  return heard;
}

Weighed weigh(const protocol::Origin& first, const protocol::Holding& heard) {
  const auto said = bounded(heard);
  const auto& speaker = said.origin();
  if (first.identity().empty() || first.identity() != speaker.identity())
    return {Word::kNothing, "another agent answers there than the one that the program went to (" +
                                said.text() + ")"};
  if (first.boot_id().empty() || speaker.boot_id().empty())
    return {Word::kNothing, "it is not known whether that node has booted since"};
  if (first.boot_id() != speaker.boot_id()) return {Word::kNotHeld, "that node has booted since"};
  // A number is given again only when the namespace and all that was in it have gone.
  if (first.processes() == 0 || first.processes() != speaker.processes())
    return {Word::kNothing,
            "who answers there looks at other processes than those among which the program is"};
  switch (said.state()) {
    case protocol::Holding::STATE_HELD:
      return {Word::kHeld, said.text()};
    case protocol::Holding::STATE_NOT_HELD:
      return {Word::kNotHeld, said.text()};
    default:
      return {Word::kNothing, said.text()};
  }
}

}  // namespace llrun::holding
