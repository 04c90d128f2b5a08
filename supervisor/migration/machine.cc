#include "supervisor/migration/machine.h"

#include <array>

namespace llrun::migration {
namespace {

template <typename State, typename Event>
struct Row {
  State from;
  Event event;
  State to;
};

using H = HomeState;
using HE = HomeEvent;
constexpr auto kHomeTable = std::to_array<Row<H, HE>>({
    {H::kHome, HE::kMigrate, H::kPreparing},
    {H::kPreparing, HE::kWorldReady, H::kFreezing},
    {H::kFreezing, HE::kCaptured, H::kTransferring},
    {H::kTransferring, HE::kRestored, H::kCommitting},
    {H::kCommitting, HE::kRunning, H::kConfirming},
    {H::kConfirming, HE::kConfirmed, H::kAway},
    {H::kPreparing, HE::kAborted, H::kHome},
    {H::kFreezing, HE::kAborted, H::kHome},
    {H::kTransferring, HE::kAborted, H::kHome},
    {H::kCommitting, HE::kLeaseOver, H::kHome},
    {H::kCommitting, HE::kNotHeard, H::kHome},
    {H::kConfirming, HE::kNotHeard, H::kHome},
    {H::kConfirming, HE::kAbandoned, H::kHome},
    {H::kConfirming, HE::kForgotten, H::kEnded},
    {H::kAway, HE::kHomeImage, H::kReturning},
    {H::kReturning, HE::kReturned, H::kHome},
    {H::kReturning, HE::kReturnFailed, H::kAway},
    {H::kReturning, HE::kHomeImage, H::kReturning},  // sent again after a broken link
    {H::kReturning, HE::kNotHeld, H::kEnded},
    {H::kReturning, HE::kForgotten, H::kEnded},
    {H::kAway, HE::kNotHeld, H::kEnded},
    {H::kAway, HE::kForgotten, H::kEnded},
    {H::kAway, HE::kEnded, H::kEnded},
    {H::kHome, HE::kEnded, H::kEnded},
    {H::kPreparing, HE::kEnded, H::kEnded},
    {H::kFreezing, HE::kEnded, H::kEnded},
    {H::kTransferring, HE::kEnded, H::kEnded},
    {H::kCommitting, HE::kEnded, H::kEnded},
    {H::kConfirming, HE::kEnded, H::kEnded},
    {H::kReturning, HE::kEnded, H::kEnded},
});

using G = GuestState;
using GE = GuestEvent;
constexpr auto kGuestTable = std::to_array<Row<G, GE>>({
    {G::kPreparing, GE::kWorldMade, G::kFilling}, {G::kFilling, GE::kFilled, G::kRestored},
    {G::kRestored, GE::kCommit, G::kRunning},     {G::kRunning, GE::kGivenUp, G::kSettled},
    {G::kSettled, GE::kLeaseOver, G::kFrozen},    {G::kFrozen, GE::kHeardAgain, G::kSettled},
    {G::kSettled, GE::kLeave, G::kLeaving},       {G::kLeaving, GE::kLeaveRefused, G::kSettled},
    {G::kPreparing, GE::kAborted, G::kGone},      {G::kFilling, GE::kAborted, G::kGone},
    {G::kRestored, GE::kAborted, G::kGone},       {G::kRunning, GE::kAborted, G::kGone},
    {G::kPreparing, GE::kLeaseOver, G::kGone},    {G::kFilling, GE::kLeaseOver, G::kGone},
    {G::kRestored, GE::kLeaseOver, G::kGone},     {G::kRunning, GE::kLeaseOver, G::kGone},
    {G::kFrozen, GE::kAbandoned, G::kGone},       {G::kLeaving, GE::kAbandoned, G::kGone},
    {G::kFrozen, GE::kOver, G::kGone},            {G::kLeaving, GE::kOver, G::kGone},
    {G::kPreparing, GE::kEnded, G::kGone},        {G::kFilling, GE::kEnded, G::kGone},
    {G::kRestored, GE::kEnded, G::kGone},         {G::kRunning, GE::kEnded, G::kGone},
    {G::kSettled, GE::kEnded, G::kGone},          {G::kFrozen, GE::kEnded, G::kGone},
    {G::kLeaving, GE::kEnded, G::kGone},
});

template <typename Table, typename State, typename Event>
std::optional<State> look_up(const Table& table, State state, Event event) {
  for (const auto& row : table)
    if (row.from == state && row.event == event) return row.to;
  return std::nullopt;
}

constexpr std::array kHomeStates{"Home",         "Preparing",  "Freezing",
                                 "Transferring", "Committing", "Confirming",
                                 "Away",         "Returning",  "Ended"};
constexpr std::array kHomeEvents{"Migrate",   "WorldReady",   "Captured",  "Restored", "Running",
                                 "Confirmed", "Aborted",      "LeaseOver", "NotHeard", "HomeImage",
                                 "Returned",  "ReturnFailed", "Abandoned", "NotHeld",
                                 "Forgotten", "Ended"};
constexpr std::array kGuestStates{"Preparing", "Filling", "Restored", "Running",
                                  "Settled",   "Frozen",  "Leaving",  "Gone"};
constexpr std::array kGuestEvents{"WorldMade", "Filled",     "Commit", "GivenUp",
                                  "LeaseOver", "HeardAgain", "Leave",  "LeaveRefused",
                                  "Aborted",   "Abandoned",  "Over",   "Ended"};

}  // namespace

std::optional<HomeState> next(HomeState state, HomeEvent event) {
  return look_up(kHomeTable, state, event);
}
std::optional<GuestState> next(GuestState state, GuestEvent event) {
  return look_up(kGuestTable, state, event);
}

std::string_view name(HomeState state) { return kHomeStates.at(static_cast<std::size_t>(state)); }
std::string_view name(GuestState state) { return kGuestStates.at(static_cast<std::size_t>(state)); }
std::string_view name(HomeEvent event) { return kHomeEvents.at(static_cast<std::size_t>(event)); }
std::string_view name(GuestEvent event) { return kGuestEvents.at(static_cast<std::size_t>(event)); }

}  // namespace llrun::migration
