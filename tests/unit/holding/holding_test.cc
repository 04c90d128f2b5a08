// Whose word counts, and what processes tell.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "base/fd.h"
#include "supervisor/holding/origin.h"
#include "supervisor/holding/search.h"
#include "supervisor/holding/secret.h"
#include "supervisor/holding/word.h"

namespace llrun::holding {
namespace {

using protocol::Holding;

protocol::Origin origin(const char* identity, const char* boot, std::uint64_t processes) {
  protocol::Origin made;
  made.set_identity(identity);
  made.set_boot_id(boot);
  made.set_processes(processes);
  return made;
}

Holding said(const protocol::Origin& by, Holding::State state) {
  Holding holding;
  *holding.mutable_origin() = by;
  holding.set_state(state);
  holding.set_text("words");
  return holding;
}

TEST(Secret, IsOfSixteenBytesAndAnotherEachTime) {
  std::set<std::string> made;
  for (int i = 0; i < 100; ++i) made.insert(new_secret());
  EXPECT_EQ(made.size(), 100U);
  EXPECT_EQ(made.begin()->size(), 16U);
}

TEST(Secret, WhoShowsItIsHome) {
  protocol::Hello first;
  first.set_job("job");
  first.set_epoch(2);
  first.set_secret(new_secret());
  EXPECT_EQ(why_not_its_home(first, first), "");
  auto asking = first;
  asking.set_epoch(1);
  EXPECT_EQ(why_not_its_home(asking, first), "this node holds another incarnation of that program");
  asking = first;
  asking.set_job("another");
  EXPECT_NE(why_not_its_home(asking, first), "");
}

TEST(Secret, WhoDoesNotShowItIsNot) {
  protocol::Hello first;
  first.set_secret(new_secret());
  const auto& right = first.secret();
  auto one_bit_off = right;
  one_bit_off.back() = static_cast<char>(one_bit_off.back() ^ 1);
  protocol::Hello asking;
  EXPECT_NE(why_not_its_home(asking, first), "") << "missing";
  for (const auto& wrong :
       {std::string(), new_secret(), one_bit_off, right.substr(1), right + right, right + '\0'}) {
    asking.set_secret(wrong);
    EXPECT_EQ(why_not_its_home(asking, first),
              "the program is another's: what home gave it as a secret was not shown");
  }
}

// A program that came without one cannot be had by showing none.
TEST(Secret, NoneIsNobodys) {
  const protocol::Hello without;
  EXPECT_NE(why_not_its_home(without, without), "");
}

const auto kFirst = origin("one", "boot", 7);

TEST(Word, OfTheSameOriginIsBelieved) {
  EXPECT_EQ(weigh(kFirst, said(kFirst, Holding::STATE_NOT_HELD)).word, Word::kNotHeld);
  EXPECT_EQ(weigh(kFirst, said(kFirst, Holding::STATE_HELD)).word, Word::kHeld);
  EXPECT_EQ(weigh(kFirst, said(kFirst, Holding::STATE_UNKNOWN)).word, Word::kNothing);
}

TEST(Word, OfTheSameIdentityInAnotherBootEndsTheJourneyWhateverIsSaid) {
  for (const auto state : {Holding::STATE_UNKNOWN, Holding::STATE_HELD, Holding::STATE_NOT_HELD})
    EXPECT_EQ(weigh(kFirst, said(origin("one", "later", 9), state)).word, Word::kNotHeld);
}

TEST(Word, OfAnybodyElseProvesNothing) {
  for (const auto& other : {origin("two", "boot", 7), origin("two", "later", 7),
                            origin("", "boot", 7), origin("", "", 0), origin("one", "", 7),
                            origin("one", "boot", 8), origin("one", "boot", 0)})
    EXPECT_EQ(weigh(kFirst, said(other, Holding::STATE_NOT_HELD)).word, Word::kNothing)
        << other.ShortDebugString();
}

TEST(Word, OfNobodyProvesNothingWhereTheFirstHadNoOrigin) {
  const protocol::Origin none;
  EXPECT_EQ(weigh(none, said(none, Holding::STATE_NOT_HELD)).word, Word::kNothing);
  EXPECT_EQ(weigh(origin("one", "", 7), said(kFirst, Holding::STATE_NOT_HELD)).word,
            Word::kNothing);
}

TEST(Word, IsBoundedAndWhatIsCutIsNobodys) {
  auto long_one = said(origin(std::string(100, 'x').c_str(), "boot", 7), Holding::STATE_NOT_HELD);
  long_one.set_text(std::string(1 << 20, 't'));
  EXPECT_EQ(bounded(long_one).text().size(), 1000U);
  EXPECT_EQ(weigh(long_one.origin(), long_one).word, Word::kNothing);
}

class Processes : public testing::Test {
 protected:
  void SetUp() override {
    put({10, 1, 'S', "llrun-superviso", {"/bin/llrun-supervisor", "guest", mark_of("job", 2)}});
    put({11, 10, 'S', "llrun-warden", {}});
    put({12, 11, 'S', "llrun-init", {}});
    put({20, 1, 'S', "llrun-superviso", {"/bin/llrun-supervisor", "home", "--pid", "5"}});
  }
  void put(Seen seen) { seen_.push_back(std::move(seen)); }
  void drop(int pid) {
    std::erase_if(seen_, [pid](const Seen& seen) { return seen.pid == pid; });
  }
  [[nodiscard]] Holding::State guest(const char* job, std::uint32_t epoch) const {
    return guest_among(seen_, job, epoch).state();
  }
  std::vector<Seen> seen_;
};

TEST_F(Processes, AGuestIsHeldWhileItsSupervisorLives) {
  EXPECT_EQ(guest("job", 2), Holding::STATE_HELD);
  EXPECT_EQ(guest("job", 1), Holding::STATE_NOT_HELD) << "another journey of it";
  EXPECT_EQ(guest("other", 2), Holding::STATE_NOT_HELD);
}

TEST_F(Processes, AGuestThatIsDyingIsNotKnownToHaveGone) {
  drop(10);
  EXPECT_EQ(guest("job", 2), Holding::STATE_UNKNOWN) << "its warden lives";
  drop(11);
  seen_[0].parent = 1;
  EXPECT_EQ(guest("job", 2), Holding::STATE_UNKNOWN) << "its init waits for the last of its world";
  seen_[0].state = 'Z';
  EXPECT_EQ(guest("job", 2), Holding::STATE_NOT_HELD);
}

TEST_F(Processes, AnInitWhoseSupervisorIsDeadAndNotReapedIsAnOrphan) {
  seen_[0].state = 'Z';
  EXPECT_EQ(guest("job", 2), Holding::STATE_UNKNOWN);
}

TEST_F(Processes, ASupervisorThatBeginsOrEndsMayBeTheOne) {
  put({30, 1, 'D', "llrun-superviso", {}});
  EXPECT_EQ(guest("other", 1), Holding::STATE_UNKNOWN);
}

TEST_F(Processes, WhoCannotLookDoesNotKnow) {
  const Result<std::vector<Seen>> blind = failure(ErrorCode::kSystem, "look");
  EXPECT_EQ(guest_among(blind, "job", 2).state(), Holding::STATE_UNKNOWN);
  EXPECT_EQ(home_among(blind, "a-5-1f", [](int) { return true; }).state(), Holding::STATE_UNKNOWN);
}

TEST_F(Processes, HomeKnowsOnlyWhenEverySupervisorHasToldWhatItHas) {
  EXPECT_EQ(home_among(seen_, "a-5-1f", [](int) { return false; }).state(), Holding::STATE_UNKNOWN);
  EXPECT_EQ(home_among(seen_, "a-5-1f", [](int pid) { return pid == 20; }).state(),
            Holding::STATE_NOT_HELD);
  EXPECT_EQ(home_among(seen_, "a-6-1f", [](int) { return false; }).state(), Holding::STATE_NOT_HELD)
      << "that supervisor has another program";
  EXPECT_EQ(home_among(seen_, "odd", [](int) { return false; }).state(), Holding::STATE_UNKNOWN);
  drop(20);
  EXPECT_EQ(home_among(seen_, "a-5-1f", [](int) { return false; }).state(),
            Holding::STATE_NOT_HELD);
}

class Directory : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "holdingXXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    path_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(path_); }
  std::string path_;
};

TEST_F(Directory, AnIdentityIsMadeOnceAndIsOneAgents) {
  const auto first = identity_in(path_, "a");
  ASSERT_TRUE(first) << first.error().message();
  EXPECT_EQ(first->size(), 32U);
  EXPECT_EQ(*identity_in(path_, "a"), *first);
  EXPECT_NE(*identity_in(path_, "b"), *first);
  std::filesystem::remove(path_ + "/identity-a");
  EXPECT_NE(*identity_in(path_, "a"), *first) << "a new one, which nobody waits for";
}

TEST_F(Directory, ThoseWhoMakeAnIdentityAtOnceGetTheSame) {
  // In processes: the file that is being written is named after its maker.
  std::vector<pid_t> makers;
  for (int number = 0; number < 8; ++number) {
    const pid_t maker = ::fork();
    if (maker == 0) {
      const auto made = identity_in(path_, "a");
      std::ofstream(path_ + "/made-" + std::to_string(::getpid())) << made.value_or("none");
      ::_exit(0);
    }
    makers.push_back(maker);
  }
  std::set<std::string> made;
  for (const pid_t maker : makers) {
    ASSERT_EQ(::waitpid(maker, nullptr, 0), maker);
    made.insert(*read_whole_file(path_ + "/made-" + std::to_string(maker)));
  }
  EXPECT_EQ(made, std::set<std::string>{*identity_in(path_, "a")});
}

TEST_F(Directory, ADamagedIdentityIsNone) {
  std::ofstream(path_ + "/identity-a") << "half";
  const auto made = identity_in(path_, "a");
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(made->size(), 32U);
  EXPECT_EQ(*identity_in(path_, "a"), *made);
}

// A process that the kernel and its own words call a guest's supervisor.
TEST_F(Directory, ALivingSupervisorIsFoundWhateverDirectoriesGo) {
  const auto script = path_ + "/llrun-supervisor";
  std::ofstream(script) << "#!/bin/sh\necho begun\nread line\n";
  ::chmod(script.c_str(), 0700);
  auto pipe = make_pipe();
  auto begun = make_pipe();
  ASSERT_TRUE(pipe && begun);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(pipe->first.get(), 0);
    ::dup2(begun->second.get(), 1);
    pipe->second.reset();
    ::execl(script.c_str(), script.c_str(), "guest", mark_of("a-job-of-this-test", 3).c_str(),
            nullptr);
    ::_exit(127);
  }
  pipe->first.reset();
  begun->second.reset();
  // The shell opens its script only after the kernel has given it the name and the words.
  char first = 0;
  ASSERT_EQ(::read(begun->first.get(), &first, 1), 1);
  const auto state = [] {
    return guest_among(look_at_processes(), "a-job-of-this-test", 3).state();
  };
  EXPECT_EQ(state(), Holding::STATE_HELD);
  std::filesystem::remove(script);
  EXPECT_EQ(state(), Holding::STATE_HELD);
  ::kill(child, SIGKILL);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  // Others' supervisors may begin or end in this moment: then it is not known.
  while (state() != Holding::STATE_NOT_HELD) std::this_thread::yield();
}

}  // namespace
}  // namespace llrun::holding
