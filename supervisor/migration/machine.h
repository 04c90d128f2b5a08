// The migration protocol as an explicit state machine: which event leads from which state to which.
// protocol.pml is its model: the tests compare the rows and check by spin what they lead to.
//
// Pure: the supervisors feed it what happened and do what the new state asks of them. The names are
// those of docs/protocol.md, and the log writes every transition by them. An event that the table
// does not know in a state is refused: it is either a stale message or a bug, and neither may
// change anything.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace llrun::migration {

enum class HomeState : std::uint8_t {
  kHome,
  kPreparing,
  kFreezing,
  kTransferring,
  kCommitting,
  kConfirming,
  kAway,
  kReturning,
  kEnded,
};
enum class HomeEvent : std::uint8_t {
  kMigrate,       // somebody decided that the program should move
  kWorldReady,    // G: the world stands
  kCaptured,      // all state taken, the program is stopped
  kRestored,      // G: complete
  kRunning,       // G: runs, not one effect yet
  kConfirmed,     // G: knows that it is the program, and that home knows
  kAborted,       // a failure before Commit, of whatever kind
  kLeaseOver,     // Commit was answered by nothing for lease + margin: it is void by now
  kNotHeard,      // G says, or its node says of it, that it is gone; nothing it did was accepted
  kHomeImage,     // G: the guest is frozen, its state follows
  kReturned,      // it runs at home
  kReturnFailed,  // home could not take it; it goes on away
  kAbandoned,     // Confirming: silent for so long that an unacknowledged guest is gone by now
  kNotHeld,       // the node that had it says that it is no more there, or has booted since
  kForgotten,     // somebody at home does not wait for the node any longer
  kEnded,         // the program has ended
};

enum class GuestState : std::uint8_t {
  kPreparing,
  kFilling,
  kRestored,
  kRunning,
  kSettled,
  kFrozen,
  kLeaving,
  kGone,
};
enum class GuestEvent : std::uint8_t {
  kWorldMade,
  kFilled,
  kCommit,
  kGivenUp,
  kLeaseOver,  // home was silent for it; Restored, Running: its word has not come within it
  kHeardAgain,
  kLeave,
  kLeaveRefused,
  kAborted,
  kAbandoned,  // home has been silent for as long as the guest is borne
  kOver,       // home's agent says that this journey is over
  kEnded,
};

[[nodiscard]] std::optional<HomeState> next(HomeState state, HomeEvent event);
[[nodiscard]] std::optional<GuestState> next(GuestState state, GuestEvent event);

[[nodiscard]] std::string_view name(HomeState state);
[[nodiscard]] std::string_view name(GuestState state);
[[nodiscard]] std::string_view name(HomeEvent event);
[[nodiscard]] std::string_view name(GuestEvent event);

// May the program be resumed at home at once in this state, with nothing asked of anybody?
[[nodiscard]] constexpr bool resumable(HomeState state) {
  return state == HomeState::kPreparing || state == HomeState::kFreezing ||
         state == HomeState::kTransferring;
}
// May effects of the guest (file requests that change something, output, home calls) be carried
// out?
[[nodiscard]] constexpr bool effects_flow(HomeState state) {
  return state == HomeState::kAway || state == HomeState::kReturning;
}

}  // namespace llrun::migration
