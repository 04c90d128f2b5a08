// GuestTerminals: the stand-ins of home's terminals in one world, and whose descriptions they are.
//
// A program may have opened one terminal several times (less and getpass open it by its name or as
// /dev/tty beside descriptors 0 to 2): each is a description of its own at home, with its own mode
// and flags, and so it is here. All of one terminal are ends of one pseudo-terminal of the same
// number, whose output goes home by one of them; which, makes no difference to the terminal.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "imagefmt/image.pb.h"
#include "supervisor/streams/guest_streams.h"
#include "supervisor/world/world.h"

namespace llrun {

class GuestTerminals {
 public:
  // Before the program is stopped at home, so that what cannot be made is known by then. The first
  // is the controlling terminal, if `controlling` names one.
  [[nodiscard]] Result<> make(World& world, const std::string& controlling,
                              const std::vector<int>& others);
  // From here on stand_in() can be asked for the terminals of `process`.
  [[nodiscard]] Result<> expect(World& world, const image::Process& process, GuestStreams& streams);

  // "/dev/tty" is opened by the guest itself, whose controlling terminal it is; note_end() then.
  [[nodiscard]] bool opens_by_itself(const image::Description& record) const;
  // The guest's end for this description.
  [[nodiscard]] Result<Fd> stand_in(const image::Description& record);
  [[nodiscard]] Result<> note_end(const image::Description& record, const Fd& end);

  // All ends are there: a terminal that is closed at home must not be kept open from here.
  void let_go_of_masters() { masters_.clear(); }

  // Whose stand-in a duplicate of a guest's descriptor is.
  [[nodiscard]] std::optional<std::uint64_t> home_id_of(int duplicate) const;

 private:
  struct End {
    Fd fd;
    std::uint64_t home_id = 0;
  };
  std::optional<int> controlling_;
  std::map<int, Fd> masters_;  // by number in /dev/pts
  std::vector<End> ends_;
};

}  // namespace llrun
