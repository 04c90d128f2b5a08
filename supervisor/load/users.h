// Who is at work on this node: sessions whose terminal has been typed on lately.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <ctime>
#include <set>
#include <span>
#include <string>

namespace llrun::load {

// As w(1) tells idle times: the kernel sets a terminal's access time when input is read from it,
// not when a program writes. Whoever typed nothing for this long is taken to have gone for coffee.
inline constexpr std::chrono::minutes kActiveFor{10};

// The owners of those `terminals` that have been typed on within kActiveFor before `now`.
[[nodiscard]] std::set<uid_t> active_owners(std::span<const std::string> terminals, time_t now);

// Users active now: on every pseudo-terminal, on the terminals of logins that utmp knows, and at
// graphical logins, which have no terminal to look at and count as active.
[[nodiscard]] std::uint32_t active_users(time_t now);

}  // namespace llrun::load
