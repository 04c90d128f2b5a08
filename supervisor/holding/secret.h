// The secret of a job: 128 random bits that home makes and gives to the node that it sends the
// program to, with the Hello of the journey. Who asks for the program again later shows it: the
// job's name stands in logs and command lines, and anybody who may talk to the agent could have
// read it there.
#pragma once

#include <string>
#include <string_view>

#include "supervisor/protocol/hello.pb.h"

namespace llrun::holding {

[[nodiscard]] std::string new_secret();  // 16 bytes; getrandom(2)
// In a time that does not depend on what they are. What is not 16 bytes long is no secret.
[[nodiscard]] bool same_secret(std::string_view one, std::string_view other);
// Why whoever asks for a guest is not its home, whose Hello was `first`; in words, empty: it is.
[[nodiscard]] std::string why_not_its_home(const protocol::Hello& asking,
                                           const protocol::Hello& first);

}  // namespace llrun::holding
