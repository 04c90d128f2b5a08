// HomeJob: the home supervisor of one program, from its start to its end.
//
// It watches, tells the node agent what it sees, and does what the agent decides. While the program
// is away or on its way, a Journey has it. Nothing here may ever keep the program from running at
// home: whatever fails before a journey's commit leaves it running here, and whatever ends this
// process then leaves it untouched.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/event_loop.h"
#include "supervisor/control/agent_client.h"
#include "supervisor/home/attention.h"
#include "supervisor/home/children.h"
#include "supervisor/home/failed_moves.h"
#include "supervisor/home/journey.h"
#include "supervisor/home/options.h"
#include "supervisor/home/waking.h"
#include "supervisor/home/watch.h"

namespace llrun {

class HomeJob {
 public:
  [[nodiscard]] static Result<std::unique_ptr<HomeJob>> create(HomeOptions options);
  int run();  // until the program has ended, and what it has left behind is cared for

 private:
  explicit HomeJob(HomeOptions options);
  [[nodiscard]] Result<> start();
  void tick();
  void keep_ticking();  // now and from then on
  void tick_after(EventLoop::Clock::duration pause);
  void see_to_the_next_tick();  // whatever changes how soon it is due is followed by this
  [[nodiscard]] EventLoop::Clock::duration until_next_tick() const;
  [[nodiscard]] bool look_at_program();  // false: there is nothing new to report
  void look_for_children(bool ran);
  void look_for_exec();
  void on_end(const std::string& how);
  void care_for_the_bereaved();

  void on_migrate(const protocol::Migrate& order, const control::Reply& reply);
  void on_come_home(const protocol::ComeHome& order, const control::Reply& reply);
  [[nodiscard]] std::string put_off_words() const;  // empty: nothing is put off
  void on_why(const control::Reply& reply);
  void on_stack(const control::Reply& reply);
  void on_forget(const control::Reply& reply);
  void on_pin_by_hand(const protocol::PinByHand& order, const control::Reply& reply);

  void journey_over(const std::string& why, bool brought_home_by_call, bool was_placing);
  void report();
  void tell(const std::string& kind, const std::string& text);
  // Its children take part by the list only: it is a shell, or takes no part itself.
  [[nodiscard]] bool children_by_list() const;
  [[nodiscard]] std::optional<tracer::Pin> own_pin() const;  // by hand, or resting after a return

  HomeOptions options_;
  std::unique_ptr<EventLoop> loop_;
  Fd child_signals_;  // signalfd
  Watch watch_;
  Attention attention_;
  std::unique_ptr<Waking> waking_;  // null: it could not be had, and sleepers are looked at only
  EventLoop::TimerId next_tick_ = 0;
  std::unique_ptr<control::AgentClient> agent_;
  std::unique_ptr<Journey> journey_;
  Children children_;
  std::uint32_t epoch_ = 0;
  std::uint32_t moves_ = 0;
  std::string where_;  // empty: here
  std::string last_reason_;
  std::string job_;  // unique over nodes and time
  std::shared_ptr<homefs::FileUses> uses_ = std::make_shared<homefs::FileUses>();
  std::string secret_;  // who shows it to the job's guest may speak to it
  std::optional<std::pair<protocol::Migrate, control::Reply>> onward_;  // as soon as it is home
  std::string last_node_;    // where it was last, before it came home
  bool asked_home_ = false;  // from here: the return is not its host's wish
  bool sent_home_ = false;   // its host wanted it to leave
  Link::Travelled last_transfer_;
  bool pinned_by_hand_ = false;
  std::optional<EventLoop::Clock::time_point>
      rests_until_;  // brought home by a call: stays a while
  std::string rest_reason_;
  FailedMoves failed_moves_;
  EventLoop::Clock::time_point last_move_ = EventLoop::Clock::now();
  std::uint64_t cpu_ms_at_move_ = 0;
  CpuAway cpu_away_;
  tracer::Sleeps sleeps_;  // at home, as far as they are known
  std::uint64_t last_freeze_us_ = 0;
  std::uint64_t last_bytes_ = 0;
};

}  // namespace llrun
