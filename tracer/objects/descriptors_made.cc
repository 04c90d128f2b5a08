#include "tracer/objects/descriptors_made.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "base/bytes.h"
#include "tracer/objects/pipes.h"

namespace llrun::tracer {

InnerPipes::InnerPipes(const image::Process& process) : process_(&process) {}

// The read end's record carries the content; a pipe whose read end is closed has none.
Result<InnerPipes::Ends*> InnerPipes::make(const image::Description& record) {
  if (const auto found = made_.find(record.pipe_id()); found != made_.end()) return &found->second;
  PipeState state{record.pipe_capacity(), {}};
  for (const auto& other : process_->descriptions())
    if (other.kind() == image::Description::KIND_PIPE_INNER &&
        other.pipe_id() == record.pipe_id() && other.pipe_reads())
      state.content = other.pipe_content();
  LLRUN_TRY_ASSIGN(FdPair pair, make_pipe_like(state));
  auto& ends = made_[record.pipe_id()];
  ends.read = std::move(pair.first);
  ends.write = std::move(pair.second);
  return &ends;
}

// A second description of one end (the program opened /proc/self/fd/N) is made in the same way.
Result<Fd> InnerPipes::end_of(const image::Description& record) {
  LLRUN_TRY_ASSIGN(Ends* const ends, make(record));
  const Fd& end = record.pipe_reads() ? ends->read : ends->write;
  bool& given = record.pipe_reads() ? ends->read_given : ends->write_given;
  if (given)
    return open_file("/proc/self/fd/" + std::to_string(end.get()),
                     record.pipe_reads() ? O_RDONLY : O_WRONLY);
  given = true;
  return end.duplicate();
}

Result<Fd> make_eventfd(const image::Description& record) {
  Fd made(::eventfd(0, EFD_CLOEXEC | (record.eventfd_semaphore() ? EFD_SEMAPHORE : 0)));
  if (!made.valid()) return system_error("make an event counter");
  if (record.eventfd_count() != 0)  // more than eventfd(2) takes, too
    LLRUN_TRY(write_all(made.get(), bytes_of(std::uint64_t{record.eventfd_count()})));
  return made;
}

Result<Fd> make_epoll() {
  Fd made(::epoll_create1(EPOLL_CLOEXEC));
  if (!made.valid()) return system_error("make an epoll instance");
  return made;
}

}  // namespace llrun::tracer
