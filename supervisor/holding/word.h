// Word: what it proves that somebody says something of a journey.
//
// Two statements alone end one: that of the origin which it began with, in the same boot and
// looking at the same processes, that it is not held any more; and any of the same identity from
// another boot. Everything else (a refusal, a stranger, silence, an agent that cannot look) proves
// nothing.
#pragma once

#include <cstdint>
#include <string>

#include "supervisor/protocol/hello.pb.h"

namespace llrun::holding {

enum class Word : std::uint8_t { kNothing, kHeld, kNotHeld };

struct Weighed {
  Word word = Word::kNothing;
  std::string text;  // what was said, or why it does not count, for a person
};

// What another node wrote, with no field longer than it may be.
[[nodiscard]] protocol::Holding bounded(protocol::Holding heard);

// `first`: of the Hello that the journey began with.
[[nodiscard]] Weighed weigh(const protocol::Origin& first, const protocol::Holding& heard);

}  // namespace llrun::holding
