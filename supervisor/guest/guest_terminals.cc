#include "supervisor/guest/guest_terminals.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <utility>

#include "tracer/objects/kcmp.h"
#include "tracer/objects/terminals.h"

namespace llrun {
namespace {

using image::Description;

std::string path_of(int number) { return fmt::format("/dev/pts/{}", number); }

std::optional<int> number_of(const Description& record) {
  return tracer::pseudo_terminal_number(record.device_number());
}

bool writes(const Description& record) { return (record.flags() & O_ACCMODE) != O_RDONLY; }

// By way of the other end, whatever the name leads to here: ioctl_tty(2).
Result<Fd> open_end(const Fd& master, int mode) {
  constexpr int kOpenPeer = TIOCGPTPEER;
  Fd end(::ioctl(master.get(), kOpenPeer, mode | O_NOCTTY | O_CLOEXEC));
  if (!end.valid()) return system_error("open the guest's end of a terminal");
  return end;
}

// By which description of each terminal its output goes home: one that can be written to.
std::map<int, const Description*> leaders_of(const image::Process& process) {
  std::map<int, const Description*> leaders;
  for (const auto& record : process.descriptions()) {
    const auto number = number_of(record);
    if (record.kind() != Description::KIND_TERMINAL || !number) continue;
    auto& leader = leaders[*number];
    if (leader == nullptr || (!writes(*leader) && writes(record))) leader = &record;
  }
  return leaders;
}

}  // namespace

Result<> GuestTerminals::make(World& world, const std::string& controlling,
                              const std::vector<int>& others) {
  if (!controlling.empty()) {
    LLRUN_TRY_ASSIGN(Fd master, world.open_terminal(controlling, true));
    int number = -1;
    if (::ioctl(master.get(), TIOCGPTN, &number) != 0) return system_error("number a terminal");
    controlling_ = number;
    masters_[number] = std::move(master);
  }
  for (const int number : others)
    if (!masters_.contains(number)) {
      LLRUN_TRY_ASSIGN(masters_[number], world.open_terminal(path_of(number), false));
    }
  return {};
}

Result<> GuestTerminals::expect(World& world, const image::Process& process,
                                GuestStreams& streams) {
  for (const auto& [number, leader] : leaders_of(process)) {
    if (!masters_.contains(number)) {
      LLRUN_TRY_ASSIGN(masters_[number], world.open_terminal(path_of(number), false));
    }
    Fd& master = masters_.at(number);
    LLRUN_TRY_ASSIGN(Fd slave, open_end(master, O_RDWR));
    LLRUN_TRY_ASSIGN(Fd watched, master.duplicate());
    LLRUN_TRY(streams.add_terminal(static_cast<std::uint32_t>(leader->home_id()),
                                   std::move(watched), std::move(slave)));
  }
  return {};
}

bool GuestTerminals::opens_by_itself(const Description& record) const {
  return record.kind() == Description::KIND_TERMINAL && record.path() == "/dev/tty" &&
         controlling_ && number_of(record) == controlling_;
}

Result<Fd> GuestTerminals::stand_in(const Description& record) {
  const auto number = number_of(record);
  const auto master = number ? masters_.find(*number) : masters_.end();
  if (master == masters_.end())
    return failure(ErrorCode::kUnsupported, "no stand-in for the terminal " + record.path());
  LLRUN_TRY_ASSIGN(Fd end, open_end(master->second, record.flags() & O_ACCMODE));
  LLRUN_TRY(note_end(record, end));
  return end;
}

Result<> GuestTerminals::note_end(const Description& record, const Fd& end) {
  LLRUN_TRY_ASSIGN(Fd ours, end.duplicate());
  ends_.push_back({std::move(ours), record.home_id()});
  return {};
}

std::optional<std::uint64_t> GuestTerminals::home_id_of(int duplicate) const {
  const HostPid us{::getpid()};
  for (const auto& end : ends_) {
    const auto order = tracer::compare_files(us, duplicate, us, end.fd.get());
    if (order && *order == tracer::Order::kEqual) return end.home_id;
  }
  return std::nullopt;
}

}  // namespace llrun
