// GuestStreams: the stand-ins, on the peer, of the pipes and terminals that stay at home.
//
// Output: the guest writes to a local pipe or pseudo-terminal; what arrives at its other end goes
// home at once, never more than a window ahead of what home has passed on, so a slow reader at home
// slows the guest. Input: the guest's descriptor is a local pipe that never holds a byte: reads are
// home calls. It is there to be duplicated, closed and looked at. All methods but the two makers
// run on the event loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "base/event_loop.h"
#include "base/fd.h"

namespace llrun {

class GuestStreams {
 public:
  struct Callbacks {
    std::function<void(std::uint32_t stream, std::string bytes)> on_output;
    std::function<void(std::uint32_t stream)> on_closed;  // the guest's last descriptor is gone
  };
  GuestStreams(EventLoop& loop, Callbacks callbacks)
      : loop_(loop), callbacks_(std::move(callbacks)) {}
  ~GuestStreams();

  // Each pipe gives the descriptor for the guest.
  [[nodiscard]] Result<Fd> add_output_pipe(std::uint32_t stream);
  [[nodiscard]] Result<Fd> add_input_pipe(std::uint32_t stream);
  // `master` of a raw pseudo-terminal of the world, and an end of it of our own, open for both
  // ways. The guest has ends of its own.
  [[nodiscard]] Result<> add_terminal(std::uint32_t stream, Fd master, Fd slave);
  // Begin to watch all that has been added.
  [[nodiscard]] Result<> start();

  void credit(std::uint32_t stream, std::uint64_t passed_on);
  // Home's reader is gone: the guest's next write meets a broken pipe.
  void break_output(std::uint32_t stream);
  // The guest is stopped or dead: hand over every byte it has written. (on_output; windows do not
  // count.)
  void drain();
  // Which stream a local pipe stands for, by inode.
  [[nodiscard]] const std::map<std::uint64_t, std::uint32_t>& streams_by_inode() const {
    return by_inode_;
  }

 private:
  struct Output {
    Fd ours;   // read end, or the terminal's master
    Fd slave;  // terminals only: keeps the master from hanging up, and marks the end
    std::uint64_t sent = 0;
    std::uint64_t passed_on = 0;
    bool watched = false;
    bool open = true;
  };
  [[nodiscard]] Result<> note_inode(int fd, std::uint32_t stream);
  [[nodiscard]] Result<> resume_reading(std::uint32_t stream, Output& output);
  void on_readable(std::uint32_t stream);
  // Read once and hand it over; false when there is nothing more for now.
  bool read_once(std::uint32_t stream, Output& output);
  void close_output(std::uint32_t stream, Output& output);
  void drain_terminal(std::uint32_t stream, Output& output);

  EventLoop& loop_;
  Callbacks callbacks_;
  std::map<std::uint32_t, Output> outputs_;
  std::map<std::uint32_t, Fd> inputs_;  // write ends
  std::map<std::uint64_t, std::uint32_t> by_inode_;
};

}  // namespace llrun
