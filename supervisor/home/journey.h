// Journey: one trip of a program: to a peer, its life there, and its return or end.
//
// Home's half of docs/protocol.md. It owns everything that exists only because the program is not
// simply here: the connection, the traffic, the frozen program and then its shadow. When `over` is
// called the program runs at home as if nothing had been, or has ended. On the control thread.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/event_loop.h"
#include "supervisor/home/absence.h"
#include "supervisor/home/cpu_away.h"
#include "supervisor/home/failed_moves.h"
#include "supervisor/home/options.h"
#include "supervisor/home/peer_connection.h"
#include "supervisor/home/relayed_signals.h"
#include "supervisor/home/stacks_text.h"
#include "supervisor/home/traffic.h"
#include "supervisor/home/view_terms.h"
#include "supervisor/job/holds.h"
#include "supervisor/migration/machine.h"
#include "supervisor/shadow/keeper.h"
#include "tracer/objects/descriptors.h"
#include "tracer/objects/freeze.h"
#include "tracer/objects/restore.h"
#include "tracer/objects/shadow.h"

namespace llrun {

class Journey {
 public:
  struct Callbacks {
    std::function<void(const std::string& text)> progress;  // for the log and -v
    std::function<void()> away;                             // committed and confirmed
    // The program runs at home again. `by_call`: it came for a call that only home can do.
    std::function<void(const std::string& why, bool by_call)> home;
    std::function<void(const std::string& how)> ended;  // the program has ended
  };
  struct Plan {
    std::string node;
    std::vector<std::string> command;
    std::string reason;
    std::string job;
    std::string home;  // this node's name
    std::string program;
    std::uint64_t memory_bytes = 0;
    std::uint32_t epoch = 1;
    CpuAway cpu_away;         // used on earlier journeys
    tracer::Sleeps sleeps;    // of the program at home
    protocol::Origin origin;  // who answers for this node
    std::string secret;       // of the job: shown to the peer (supervisor/holding/secret.h)
    ViewTerms view;           // on which the peer gets the user's files
    protocol::Offer offer;    // what the agent reckoned with: the target decides again
  };
  Journey(EventLoop& loop, const HomeOptions& options, Plan plan, Callbacks callbacks);
  ~Journey();
  Journey(const Journey&) = delete;
  Journey& operator=(const Journey&) = delete;

  void depart();
  void on_sigchld();
  // The process is dead (its pidfd says so).
  void on_died();
  void come_home(const std::string& reason);
  // The program is given up with the node that has it, which must not be reached just now.
  [[nodiscard]] Result<> forget();
  // Symbolised stacks of the guest; answers when its supervisor has sent what is needed.
  using StackAnswer = std::function<void(const Result<StacksText>&)>;
  void ask_stack(StackAnswer answer);

  [[nodiscard]] migration::HomeState state() const { return state_; }
  [[nodiscard]] const std::string& node() const { return plan_.node; }
  [[nodiscard]] const Absence& absence() const { return absence_; }
  [[nodiscard]] std::uint64_t freeze_us() const { return freeze_us_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] Link::Travelled travelled() const {
    return traffic_ ? traffic_->link().pages_travelled() : Link::Travelled{};
  }
  [[nodiscard]] std::uint64_t guest_cpu_ms() const { return guest_cpu_ms_; }
  // Why it is not home yet, though it is wanted here. Empty: it is not.
  [[nodiscard]] const std::string& put_off() const { return put_off_; }
  // On earlier journeys and, once it is over, on this one.
  [[nodiscard]] const CpuAway& cpu_away() const { return plan_.cpu_away; }
  // What the program's threads sleep in at home, before it has left and when it is over.
  [[nodiscard]] tracer::Sleeps& sleeps() { return plan_.sleeps; }
  [[nodiscard]] tracer::Sleeps take_sleeps() { return std::move(plan_.sleeps); }
  // Set if it came to nothing for what the program has, rather than for the link or by somebody's
  // wish.
  [[nodiscard]] const std::optional<FailedMove>& failed() const { return failed_; }
  [[nodiscard]] std::uint64_t guest_resident_bytes() const { return guest_resident_bytes_; }
  [[nodiscard]] double home_calls_rate() const { return home_calls_rate_; }
  // The program is stopped, or is only a shadow: what /proc says of it is not what it does.
  [[nodiscard]] bool holds_program() const {
    return state_ != migration::HomeState::kHome && state_ != migration::HomeState::kPreparing;
  }

 private:
  bool advance(migration::HomeEvent event);  // false: means nothing in this state
  // What follows from having entered this state.
  void go_on(std::function<void()> rest);
  // -- departure.cc
  void on_reached(Result<PeerConnection> reached);
  void order_world(const ClockEstimate& clocks);
  [[nodiscard]] Result<> open_traffic(PeerConnection connection);
  [[nodiscard]] protocol::MakeWorld world_order(const ClockEstimate& clocks);
  void reach();
  // What has come to pin it since it was asked: reaching the peer takes a while, and the program
  // runs on meanwhile.
  [[nodiscard]] std::optional<std::string> held_meanwhile() const;
  void freeze_and_send();
  [[nodiscard]] Result<> capture();
  [[nodiscard]] Result<> take_descriptors();
  void send_pages();
  void on_restored();
  void on_running();
  void give_up();
  void on_confirmed();
  void on_confirmed_heard();
  void become_shadow();
  void abort(const std::string& step, const std::string& why);
  void note_failure(const std::string& node, const std::string& why);
  [[nodiscard]] Result<> take_its_files();
  void resume_at_home(const std::string& why);
  // -- away.cc
  void on_message(const protocol::JobMessage& message);
  void handle(const protocol::JobMessage& message);
  void carry_out(const protocol::JobMessage& message);
  void on_lost(const Error& error);
  void on_signal(const siginfo_t& info, GuestTid tid);
  void on_thread_wanted(const protocol::ThreadWanted& wanted);
  void on_stream_closed(const protocol::StreamsClosed& closed);
  void on_exited(const protocol::Exited& exited);
  void end_shadow(int wait_status);
  void on_usage(const protocol::Usage& usage);
  void on_shadow_ended(const tracer::StopKind& end);
  void watch_parent();
  void look_at_parent(EventLoop::Clock::time_point patient_until);
  void forget_parent();
  void watch_lease();
  void watch_absence();
  [[nodiscard]] bool may_be_away() const;  // nobody but the peer can say that it is not
  [[nodiscard]] std::chrono::milliseconds confirm_time() const;
  void reconnect();
  void on_reconnected(Result<PeerConnection> reached);
  [[nodiscard]] std::string not_its_guest(const protocol::Hello& hello) const;
  void not_reached(const std::string& why);
  void on_holding(const protocol::Holding& said);
  void take_back(migration::HomeEvent event, const std::string& why);
  void give_up_on_node(migration::HomeEvent event, const std::string& why);
  void lose(const std::string& why);
  [[nodiscard]] protocol::Hello own_hello() const;
  [[nodiscard]] std::vector<int> fds_of_stream(std::uint32_t stream) const;
  // -- homecoming.cc
  void on_home_image(const protocol::HomeImage& image);
  void on_pages(std::uint64_t address, const std::string& bytes);
  void take_pages(std::uint64_t address, const std::string& bytes);
  void on_home_pages_end(const protocol::PagesEnd& end);
  [[nodiscard]] Result<> lay_out_shadow();
  [[nodiscard]] Result<> look_for_descriptions() const;
  void tell_ready();
  [[nodiscard]] Result<> fill_shadow(const protocol::PagesEnd& end);
  [[nodiscard]] Result<> land(std::uint64_t address, const std::string& bytes);
  void pages_done_with(std::uint64_t bytes);
  [[nodiscard]] bool has_thread(HostTid tid) const;
  [[nodiscard]] Result<Fd> own_duplicate(const image::Description& description);
  [[nodiscard]] Result<> queue_unheard(tracer::RemoteSyscalls& calls,
                                       tracer::RemoteArena arena) const;
  void end_unneeded(tracer::ThreadSet& threads);
  void refuse_return(const std::string& why);
  void forget_return();

  void end_channel();
  void finish_home(const std::string& why, bool by_call);
  void finish_ended(const std::string& how);
  [[nodiscard]] Result<> start_thread(std::function<void()> work);

  EventLoop& loop_;
  const HomeOptions& options_;
  Plan plan_;
  Callbacks callbacks_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();
  Holds holds_;
  migration::HomeState state_ = migration::HomeState::kHome;
  std::thread worker_;  // reaches the peer: may wait for a network
  std::unique_ptr<ChannelProcess> channel_process_;
  std::unique_ptr<HomeTraffic> traffic_;
  protocol::Hello peer_;
  std::optional<tracer::Freeze> frozen_;
  std::optional<FailedMove> failed_;
  std::optional<tracer::Shadow> parked_;  // from Confirming on, until its keeper takes it
  bool told_ = false;  // Confirming: Confirmed has come, and the guest may be the program for good
  std::unique_ptr<ShadowKeeper> shadow_;
  image::Process image_;
  EventLoop::Clock::time_point frozen_at_, committed_at_;
  EventLoop::TimerId lease_timer_ = 0;
  std::optional<std::string> called_off_;  // why, by whoever wants it at home before it is away
  HostPid told_parent_;                    // what the guest's getppid() shows
  Fd parent_;                              // pidfd: readable when that one has ended
  Absence absence_;
  bool reconnecting_ = false;
  std::uint64_t pages_received_ = 0;
  std::uint64_t freeze_us_ = 0, bytes_ = 0, guest_cpu_ms_ = 0;
  std::uint64_t guest_resident_bytes_;  // before the guest tells it: as it was at home
  double home_calls_rate_ = 0;
  std::uint64_t home_calls_before_ = 0;
  RelayedSignals relayed_;
  std::map<std::uint64_t, Fd> streams_;  // home's pipes and terminals, by home id
  std::optional<protocol::HomeImage> returning_;
  std::optional<tracer::Restorer> restorer_;
  // What came while output was still being passed on.
  std::deque<std::pair<std::uint64_t, std::string>> early_pages_;
  std::optional<protocol::PagesEnd> early_end_;
  std::vector<HostTid> unneeded_threads_;
  unsigned returns_ = 0;  // images that came
  std::string put_off_;
  std::map<std::uint64_t, StackAnswer> stack_asks_;
};

}  // namespace llrun
