// GuestJob: the guest supervisor of one program: makes its world, fills it, lets it run, sends it
// home.
//
// The peer's half of docs/protocol.md. It holds the program only as home allows: without home's
// word for the length of the lease the guest is stopped, and nothing it does has an effect that
// home did not carry out.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "base/event_loop.h"
#include "supervisor/control/agent_client.h"
#include "supervisor/guest/agent_line.h"
#include "supervisor/guest/call_server.h"
#include "supervisor/guest/guest_terminals.h"
#include "supervisor/guest/niceness.h"
#include "supervisor/guest/put_off.h"
#include "supervisor/guest/tracee.h"
#include "supervisor/guest/traffic.h"
#include "supervisor/job/holds.h"
#include "supervisor/migration/machine.h"
#include "supervisor/protocol/hello.pb.h"
#include "supervisor/world/world.h"
#include "tracer/objects/descriptors.h"
#include "tracer/objects/freeze.h"
#include "tracer/objects/restore.h"

namespace llrun {

struct GuestOptions {
  Fd in, out;             // the channel, whose first frame has been read
  Fd lifeline;            // the channel's process lives while somebody holds it
  protocol::Hello hello;  // that frame
  // How long the owner of this node bears a guest whose home is silent.
  std::chrono::milliseconds abandon{86'400'000};
  protocol::Origin origin;       // who answers for this node
  std::size_t most_threads = 0;  // that the owner of this node lets the guest have; 0: any
};

class GuestJob {
 public:
  [[nodiscard]] static Result<std::unique_ptr<GuestJob>> create(GuestOptions options);
  ~GuestJob();
  int run();  // until the guest is gone

 private:
  explicit GuestJob(GuestOptions options);
  [[nodiscard]] Result<> start();
  [[nodiscard]] protocol::Hello own_hello(protocol::Hello::Purpose purpose) const;
  bool advance(migration::GuestEvent event);  // false: means nothing in this state
  // What follows from having entered this state.
  void go_on(std::function<void()> rest);
  void on_message(const protocol::JobMessage& message);
  void handle(const protocol::JobMessage& message);
  void on_lost(const Error& error);
  // On the I/O thread: `ours` is what this side says on it.
  void on_given_channel(control::GivenChannel channel, const protocol::Hello& ours,
                        const control::Reply& reply);
  void on_link_back(Fd lifeline);
  void tick();
  [[nodiscard]] std::chrono::milliseconds lease() const;
  // For how long home may be silent before the guest ends.
  [[nodiscard]] std::chrono::milliseconds abandon_time() const;
  void on_confirmed_seen();
  void on_home_says(const protocol::Holding& said, const control::Reply& reply);
  [[nodiscard]] bool waits_for_home() const;
  void report();

  // -- arrival.cc
  void make_world(const protocol::MakeWorld& order);
  [[nodiscard]] Result<> build_world(const protocol::MakeWorld& order);
  void lay_out(const image::Process& image);
  void on_pages(std::uint64_t address, const std::string& bytes);
  void take_pages(std::uint64_t address, const std::string& bytes);
  void complete(const protocol::PagesEnd& end);
  void commit();
  void run_guest();
  void settle();
  void go_first_when_memory_is_short() const;
  [[nodiscard]] Result<> wait_for_clocks() const;
  [[nodiscard]] Result<> furnish(tracer::RemoteSyscalls& calls, tracer::RemoteArena arena);
  [[nodiscard]] Result<> place_descriptors(tracer::RemoteSyscalls& calls,
                                           tracer::RemoteArena arena);
  [[nodiscard]] Result<> check_descriptions();
  [[nodiscard]] Result<Fd> stand_in(const image::Description& description);
  [[nodiscard]] Result<> take_over(tracer::ThreadSet threads,
                                   const std::map<GuestTid, HostTid>& ids);
  void fail(const std::string& step, const std::string& why);  // before commit
  void give_way();  // home's word has not come within the lease

  // -- stay.cc
  void on_guest_ended(int wait_status);
  void end_guest(const std::string& why);  // it has done what no honest program does
  void on_signal(const protocol::DeliverSignal& signal);
  void on_parent_died(GuestPid heir);
  void on_stand_back(const protocol::StandBack& order, const control::Reply& reply);
  [[nodiscard]] Result<> stand_back_as_told();
  [[nodiscard]] Niceness wanted_niceness() const;
  void freeze();
  void thaw();
  void send_stacks(std::uint64_t id);
  void add_stack(protocol::StackTrace& trace, HostTid tid, const tracer::StoppedThread& stopped);
  void run_on(tracer::ThreadSet threads);
  [[nodiscard]] Result<> watch_calls();
  void add_mappings(protocol::StackTrace& trace);
  // -- leaving.cc
  void leave(const std::string& reason);
  void try_to_leave();
  void stop_and_leave();
  // From within an event of the tracee or its calls, which must end first.
  void leave_later(std::string reason);
  void leave_when_ready();
  [[nodiscard]] Result<> capture_for_home();
  void send_home();
  [[nodiscard]] Result<image::Process> capture_guest();
  [[nodiscard]] Result<> take_off_marks(
      google::protobuf::RepeatedPtrField<image::SignalInfo>& pending) const;
  [[nodiscard]] std::optional<tracer::OuterEnd> outer_end(int duplicate,
                                                          const struct stat& status) const;
  void on_home_refused(const protocol::HomeRefused& refusal);
  void on_home_ready(const protocol::HomeReady& ready);
  void send_home_memory();
  // It stays for now, and is tried again. `of_program`: for a state that the program itself has
  // made.
  void stay_after_all(const std::string& why, bool of_program);
  void put_off(const std::string& why);
  void want_no_more();
  void tell_put_off();
  void go(const std::string& why);  // destroy what is here and end

  void send(const protocol::JobMessage& message) { traffic_->link().send(message); }
  [[nodiscard]] bool is_home_descriptor(int fd) const;

  GuestOptions options_;
  std::unique_ptr<EventLoop> loop_;
  std::optional<Holds> holds_;
  Fd child_signals_;
  std::unique_ptr<GuestTraffic> traffic_;
  std::unique_ptr<AgentLine> agent_;
  std::unique_ptr<World> world_;
  std::optional<World::Guest> guest_;
  GuestTerminals terminals_;
  std::optional<tracer::Restorer> restorer_;  // while it is being filled
  std::uint64_t pages_landed_ = 0;
  std::optional<tracer::StubPage> stub_;  // by which its filter knows injected calls
  Fd listener_;
  std::unique_ptr<Tracee> tracee_;
  std::unique_ptr<CallServer> calls_;
  std::optional<tracer::ThreadSet> stopped_;        // leaving and not yet captured
  std::optional<tracer::Freeze> frozen_;            // leaving: captured
  std::optional<protocol::JobMessage> home_image_;  // leaving: what was captured
  migration::GuestState state_ = migration::GuestState::kPreparing;
  protocol::MakeWorld order_;
  image::Process image_;
  // The signal that the program wants at its parent's death. Home's kernel sends it to the shadow,
  // so the guest's own is not told of it.
  int parent_death_signal_ = 0;
  CoreLimit core_limit_;
  CallContext context_;
  std::string leaving_because_;
  bool ordered_home_ = false;      // by somebody, not only by a call of the program's
  bool home_has_refused_ = false;  // the last time: it is asked before the memory is sent again
  std::optional<PutOff> put_off_;
  int nice_told_ = 0;                   // by the agent, on top of what all guests here get
  bool stands_back_ = false;            // as far as that
  std::uint64_t signals_got_ = 0;       // from home
  bool confirmed_seen_ = false;         // home knows that the guest is the program
  std::string ended_because_;           // by us: end_guest()
  bool given_up_waits_ = false;         // for the end of a guest that is on its way out
  BootClock::time_point commit_until_;  // a Commit that comes later is void
};

}  // namespace llrun
