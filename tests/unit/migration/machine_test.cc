#include "supervisor/migration/machine.h"

#include <gtest/gtest.h>

namespace llrun::migration {
namespace {

TEST(Machine, AMoveAndAReturnEndWhereTheyBegan) {
  HomeState home = HomeState::kHome;
  for (const HomeEvent event :
       {HomeEvent::kMigrate, HomeEvent::kWorldReady, HomeEvent::kCaptured, HomeEvent::kRestored,
        HomeEvent::kRunning, HomeEvent::kConfirmed, HomeEvent::kHomeImage, HomeEvent::kReturned}) {
    const auto after = next(home, event);
    ASSERT_TRUE(after) << name(home) << " " << name(event);
    home = *after;
  }
  EXPECT_EQ(home, HomeState::kHome);
}

TEST(Machine, EveryFailureBeforeCommitResumesAtHome) {
  for (const HomeState state :
       {HomeState::kPreparing, HomeState::kFreezing, HomeState::kTransferring}) {
    EXPECT_TRUE(resumable(state));
    EXPECT_EQ(next(state, HomeEvent::kAborted), HomeState::kHome) << name(state);
  }
}

TEST(Machine, AfterCommitAnAbortIsNotEnough) {
  for (const HomeState state : {HomeState::kCommitting, HomeState::kConfirming, HomeState::kAway}) {
    EXPECT_FALSE(resumable(state));
    EXPECT_FALSE(next(state, HomeEvent::kAborted)) << name(state);
  }
}

TEST(Machine, WithoutAnEffectCarriedOutHomeTakesTheProgramBack) {
  EXPECT_EQ(next(HomeState::kCommitting, HomeEvent::kLeaseOver), HomeState::kHome);
  EXPECT_EQ(next(HomeState::kCommitting, HomeEvent::kNotHeard), HomeState::kHome);
  EXPECT_EQ(next(HomeState::kConfirming, HomeEvent::kNotHeard), HomeState::kHome);
  EXPECT_EQ(next(HomeState::kConfirming, HomeEvent::kAbandoned), HomeState::kHome);
}

TEST(Machine, AProgramThatIsAwayEndsByAWordThatCountsAndNotBySilence) {
  for (const HomeState state : {HomeState::kAway, HomeState::kReturning}) {
    EXPECT_FALSE(next(state, HomeEvent::kAbandoned)) << name(state);
    EXPECT_EQ(next(state, HomeEvent::kNotHeld), HomeState::kEnded) << name(state);
    EXPECT_EQ(next(state, HomeEvent::kForgotten), HomeState::kEnded) << name(state);
  }
  // Once it has heard Confirmed, the program may be there for good.
  EXPECT_EQ(next(HomeState::kConfirming, HomeEvent::kForgotten), HomeState::kEnded);
  EXPECT_EQ(next(GuestState::kFrozen, GuestEvent::kOver), GuestState::kGone);
  EXPECT_FALSE(next(GuestState::kSettled, GuestEvent::kOver));
}

TEST(Machine, NoEffectIsCarriedOutWhileHomeMightResume) {
  for (const HomeState state :
       {HomeState::kPreparing, HomeState::kFreezing, HomeState::kTransferring,
        HomeState::kCommitting, HomeState::kConfirming})
    EXPECT_FALSE(effects_flow(state)) << name(state);
  EXPECT_TRUE(effects_flow(HomeState::kAway));
}

TEST(Machine, AGuestWithoutGivenUpDiesWithItsLeaseAndOneWithItIsFrozen) {
  EXPECT_EQ(next(GuestState::kRunning, GuestEvent::kLeaseOver), GuestState::kGone);
  EXPECT_EQ(next(GuestState::kSettled, GuestEvent::kLeaseOver), GuestState::kFrozen);
  EXPECT_EQ(next(GuestState::kFrozen, GuestEvent::kHeardAgain), GuestState::kSettled);
  EXPECT_EQ(next(GuestState::kFrozen, GuestEvent::kAbandoned), GuestState::kGone);
}

TEST(Machine, AGuestThatLeavesRunsOnOnlyIfHomeRefuses) {
  EXPECT_EQ(next(GuestState::kLeaving, GuestEvent::kLeaveRefused), GuestState::kSettled);
  EXPECT_FALSE(next(GuestState::kLeaving, GuestEvent::kHeardAgain));
  EXPECT_FALSE(next(GuestState::kLeaving, GuestEvent::kLeaseOver));
}

}  // namespace
}  // namespace llrun::migration
