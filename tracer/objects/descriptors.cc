#include "tracer/objects/descriptors.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "tracer/calls/conditions.h"
#include "tracer/objects/descriptors_judge.h"
#include "tracer/objects/pipes.h"

namespace llrun::tracer {
namespace {

using Kind = image::Description;

Result<Fd> duplicate_of(const Fd& pidfd, int fd) {
  const long copy = ::syscall(SYS_pidfd_getfd, pidfd.get(), fd, 0);
  if (copy < 0) return system_error("take a duplicate of fd " + std::to_string(fd));
  return Fd(static_cast<int>(copy));
}

// What only a duplicate tells: whom a description would signal, once it were told to.
std::optional<Pin> owner_pin(const Fd& duplicate, const image::Description& record) {
  f_owner_ex owner{};
  const bool owned = ::fcntl(duplicate.get(), F_GETOWN_EX, &owner) == 0 && owner.pid != 0;
  if (!owned && ::fcntl(duplicate.get(), F_GETSIG) == 0) return std::nullopt;
  return Pin{"fd " + std::to_string(record.representative_fd()) + " (" + record.path() +
                 ") names a process to be signalled (F_SETOWN)",
             "it can move once the program has taken that back or closed it"};
}

// A pipe whose last reader has gone stays broken, and nobody else has anything of it: it is made
// anew, as broken, so that the program's next write fails, not the one after. A FIFO can be opened
// for reading again, and then what is written must arrive.
std::optional<Pin> note_lost_reader(const Fd& duplicate, image::Description& record) {
  if (record.kind() != Kind::KIND_PIPE_OUT || !reader_is_gone(duplicate.get())) return std::nullopt;
  if (record.path().starts_with('/'))
    return Pin{
        "fd " + std::to_string(record.representative_fd()) + " is the FIFO " + record.path() +
            ", which nobody reads",
        "it can move once somebody has opened that for reading, or the program has closed it"};
  record.set_kind(Kind::KIND_PIPE_INNER);
  return std::nullopt;
}

Result<> take_duplicates(const Fd& pidfd, const CaptureOptions& options,
                         DescriptorCapture& capture) {
  for (auto& record : capture.descriptions) {
    LLRUN_TRY_ASSIGN(Fd copy, duplicate_of(pidfd, record.representative_fd()));
    if (auto pin = owner_pin(copy, record)) capture.pins.push_back(std::move(*pin));
    if (!options.outer_end)
      if (auto pin = note_lost_reader(copy, record)) capture.pins.push_back(std::move(*pin));
    record.set_home_id(capture.duplicates.size());
    capture.duplicates.push_back(std::move(copy));
  }
  return {};
}

// A guest's terminals and pipes that stand for home's.
Result<> name_outer_end(const CaptureOptions& options, const Fd& duplicate,
                        image::Description& record, Pins& pins) {
  struct stat about {};
  if (::fstat(duplicate.get(), &about) != 0) return system_error("look at a duplicate");
  if (const auto end = options.outer_end(duplicate.get(), about)) {
    record.set_kind(end->kind);
    record.set_home_id(end->home_id);
  } else if (record.kind() == Kind::KIND_PIPE_IN || record.kind() == Kind::KIND_PIPE_OUT) {
    record.set_kind(Kind::KIND_PIPE_INNER);  // made while away, the other end closed again
  } else if (record.kind() == Kind::KIND_TERMINAL) {
    pins.push_back({"fd " + std::to_string(record.representative_fd()) + " is the terminal " +
                        record.path() + ", which is not one of home's",
                    "it can come home once the program has closed it"});
  }
  return {};
}

void name_file(const CaptureOptions& options, const Fd& duplicate, image::Description& record,
               Pins& pins) {
  if (const auto id = options.file_id(duplicate.get(), record)) {
    record.set_home_id(*id);
    return;
  }
  pins.push_back({"fd " + std::to_string(record.representative_fd()) + " is " + record.path() +
                      ", which is not of its home's files",
                  "it can come home once the program has closed it"});
}

Result<> name_at_home(const CaptureOptions& options, DescriptorCapture& capture) {
  for (std::size_t i = 0; i < capture.descriptions.size(); ++i) {
    auto& record = capture.descriptions[i];
    const bool file = record.kind() == Kind::KIND_FILE || record.kind() == Kind::KIND_DIRECTORY;
    if (file && options.file_id) name_file(options, capture.duplicates[i], record, capture.pins);
    if (!file && options.outer_end)
      LLRUN_TRY(name_outer_end(options, capture.duplicates[i], record, capture.pins));
  }
  return {};
}

Result<> carry_contents(DescriptorCapture& capture) {
  for (std::size_t i = 0; i < capture.descriptions.size(); ++i) {
    auto& record = capture.descriptions[i];
    if (record.kind() != Kind::KIND_PIPE_INNER) continue;
    const int capacity = ::fcntl(capture.duplicates[i].get(), F_GETPIPE_SZ);
    if (capacity > 0) record.set_pipe_capacity(static_cast<std::uint64_t>(capacity));
    if (!record.pipe_reads()) continue;
    auto state = look_into_pipe(capture.duplicates[i].get());
    if (state)
      record.set_pipe_content(state->content);
    else
      capture.pins.push_back(
          {"fd " + std::to_string(record.representative_fd()) +
               " is a pipe whose contents cannot be carried: " + state.error().message(),
           "it can move once the pipe has been read"});
  }
  return {};
}

Result<JudgedDescriptors> judge_all(HostPid pid, const CaptureOptions& options) {
  LLRUN_TRY_ASSIGN(const auto groups, group_descriptors(pid, options.names_are_ours));
  JudgedDescriptors judged = judge_groups(groups);
  if (options.look_for_sharing)
    LLRUN_TRY(apply_sharing(pid, options.job, judged));
  else
    mark_inner_pipes({}, judged);
  return judged;
}

// At home.
void name_terminals(DescriptorCapture& capture) {
  for (std::size_t i = 0; i < capture.descriptions.size(); ++i)
    if (auto& record = capture.descriptions[i]; record.kind() == Kind::KIND_TERMINAL)
      if (auto pin = name_terminal(capture.duplicates[i].get(), record))
        capture.pins.push_back(std::move(*pin));
}

// What the filter of a guest has to compare (HomeDescriptors).
std::size_t comparisons_for(const image::Description& record) {
  if (record.kind() == Kind::KIND_TERMINAL) return 2;
  return record.kind() == Kind::KIND_PIPE_IN || record.offset_at_home() ? 1 : 0;
}

std::optional<Pin> home_descriptors_pin(const DescriptorCapture& capture) {
  std::size_t comparisons = 0;
  std::size_t numbers = 0;
  for (const auto& descriptor : capture.descriptors) {
    const auto more = comparisons_for(capture.descriptions[descriptor.description()]);
    comparisons += more;
    numbers += more == 0 ? 0 : 1;
  }
  if (comparisons <= kMostHomeDescriptors) return std::nullopt;
  return Pin{"it has " + std::to_string(numbers) +
                 " descriptors that home would have to care for: of terminals, of pipes to read "
                 "from, and of files that other processes have open, too; more than " +
                 std::to_string(kMostHomeDescriptors) +
                 " (terminals count twice) cannot be told "
                 "apart while it is away",
             "it can move once it has closed some of them"};
}

Result<DescriptorCapture> capture_with(HostPid pid, const Fd& pidfd,
                                       const CaptureOptions& options) {
  LLRUN_TRY_ASSIGN(JudgedDescriptors judged, judge_all(pid, options));
  DescriptorCapture capture{
      std::move(judged.descriptions), std::move(judged.descriptors), {}, std::move(judged.pins)};
  LLRUN_TRY(take_duplicates(pidfd, options, capture));
  if (!options.outer_end) name_terminals(capture);
  LLRUN_TRY(name_at_home(options, capture));
  if (options.names_are_ours)
    if (auto pin = home_descriptors_pin(capture)) capture.pins.push_back(std::move(*pin));
  judged.descriptions = capture.descriptions;  // with their final kinds
  judged.descriptors = capture.descriptors;
  judged.pins.clear();
  judge_epolls(pid, judged);
  capture.pins.insert(capture.pins.end(), judged.pins.begin(), judged.pins.end());
  return capture;
}

}  // namespace

Result<DescriptorCapture> capture_descriptors(HostPid pid, const Fd& pidfd,
                                              const CaptureOptions& options) {
  LLRUN_TRY_ASSIGN(DescriptorCapture capture, capture_with(pid, pidfd, options));
  if (capture.pins.empty()) LLRUN_TRY(carry_contents(capture));
  return capture;
}

Result<Pins> descriptor_pins(HostPid pid) {
  CaptureOptions options;
  options.look_for_sharing = false;
  LLRUN_TRY_ASSIGN(JudgedDescriptors judged, judge_all(pid, options));
  judge_epolls(pid, judged);
  for (const auto& record : judged.descriptions)
    if (record.kind() == Kind::KIND_TERMINAL)
      if (auto pin = terminal_pin(record)) judged.pins.push_back(std::move(*pin));
  return std::move(judged.pins);
}

Result<Pins> shared_descriptor_pins(HostPid pid, const Fd& pidfd, const std::vector<HostPid>& job) {
  CaptureOptions options;
  options.job = job;
  LLRUN_TRY_ASSIGN(DescriptorCapture capture, capture_with(pid, pidfd, options));
  return std::move(capture.pins);
}

}  // namespace llrun::tracer
