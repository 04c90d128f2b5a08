// Restoring descriptors: a process gets the descriptions and numbers of an image.
//
// Each description is made or got once, as a descriptor of ours, is given its offset and flags, and
// goes into the process by SCM_RIGHTS at each of its numbers. A number that refers to the right
// description already stays as it is. So one function serves a guest (which starts with nothing)
// and a shadow whose program comes home (which still has most of them).
#pragma once

#include <functional>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "imagefmt/image.pb.h"
#include "tracer/remote/remote_arena.h"
#include "tracer/remote/remote_syscall.h"

namespace llrun::tracer {

// Where descriptions come from that are not made anew. Inner pipes, eventfds and epoll instances
// are.
struct DescriptorSources {
  // The path that the process itself is to open, as it sees files: for files, directories and plain
  // devices. The file view has been told which file it is that will be opened there next. Empty
  // function: these come by fd_for, too (home: the supervisor holds them).
  std::function<Result<std::string>(const image::Description&)> path_inside;
  // A descriptor of ours for the description itself: terminals and outer pipes (a guest: our
  // stand-ins; home: the supervisor's duplicate).
  std::function<Result<Fd>(const image::Description&)> fd_for;
};

// The borrowed process then has exactly `process.descriptors`. File offsets are set, but for those
// that stay at home. Everything else it had open is closed. On an error it is left with a part of
// them.
[[nodiscard]] Result<> put_descriptors(RemoteSyscalls& calls, const RemoteArena& arena,
                                       const image::Process& process,
                                       const DescriptorSources& sources);

// A guest in its world.
[[nodiscard]] inline Result<> restore_descriptors(RemoteSyscalls& calls, const RemoteArena& arena,
                                                  const image::Process& process,
                                                  const DescriptorSources& sources) {
  return put_descriptors(calls, arena, process, sources);
}

// A shadow whose program has come home: everything that is not made anew comes from `fd_for`, which
// gives the supervisor's duplicate, also of what the guest opened while away.
[[nodiscard]] Result<> update_descriptors(
    RemoteSyscalls& calls, const RemoteArena& arena, const image::Process& process,
    const std::function<Result<Fd>(const image::Description&)>& fd_for);

// Close every number of the borrowed process that refers to the description of `duplicate`, so that
// others see the end of it once `duplicate` is closed, too. Returns how many there were.
[[nodiscard]] Result<int> close_in_shadow(RemoteSyscalls& calls, const Fd& duplicate);

}  // namespace llrun::tracer
