#include "tracer/objects/descriptors_judge.h"

#include <sys/epoll.h>

#include <algorithm>
#include <map>

#include "tracer/objects/kcmp.h"

namespace llrun::tracer {
namespace {

using Kind = image::Description;

std::string name_of(const image::Description& record) {
  return "fd " + std::to_string(record.representative_fd());
}

std::string words_for(const Holder& holder) {
  return "process " + std::to_string(holder.pid.value) + " (" + holder.name + ")";
}

bool is_pipe(const image::Description& record) {
  return record.kind() == Kind::KIND_PIPE_IN || record.kind() == Kind::KIND_PIPE_OUT;
}

bool has_offset(const image::Description& record) {
  return record.kind() == Kind::KIND_FILE || record.kind() == Kind::KIND_DIRECTORY;
}

void add(const DescriptorGroup& group, image::Description record, JudgedDescriptors& judged) {
  const auto index = static_cast<std::uint32_t>(judged.descriptions.size());
  judged.descriptions.push_back(std::move(record));
  for (const DescriptorView& view : group) {
    image::Descriptor& number = judged.descriptors.emplace_back();
    number.set_number(view.fd);
    number.set_close_on_exec(view.info.close_on_exec);
    number.set_description(index);
  }
}

// Strangers have come by it through a common ancestor and an exec since: it has a number without
// close-on-exec.
bool survives_exec(const JudgedDescriptors& judged, std::size_t description) {
  return std::ranges::any_of(judged.descriptors, [&](const image::Descriptor& number) {
    return number.description() == description && !number.close_on_exec();
  });
}

std::vector<SharedQuestion> make_questions(const std::vector<image::Description>& records) {
  std::vector<SharedQuestion> questions;
  for (const auto& record : records)
    questions.push_back({record.representative_fd(), record.path(), record.device(), record.inode(),
                         is_pipe(record)});
  return questions;
}

const std::vector<Holder>& holders_of(const Sharing& sharing, const image::Description& record) {
  static const std::vector<Holder> kNobody;
  const auto found = sharing.holders.find(record.representative_fd());
  return found == sharing.holders.end() ? kNobody : found->second;
}

const Holder* find_if(const std::vector<Holder>& holders, bool Holder::*what) {
  const auto found = std::ranges::find_if(holders, [&](const Holder& it) { return it.*what; });
  return found == holders.end() ? nullptr : &*found;
}

std::optional<Pin> other_reader_pin(const Sharing& sharing, bool inherited,
                                    const image::Description& record) {
  if (const Holder* reader = find_if(holders_of(sharing, record), &Holder::reads))
    return Pin{name_of(record) + " is a pipe that others read, too: " + words_for(*reader),
               "it can move once that process has ended or closed the pipe"};
  if (sharing.strangers.empty() || !inherited) return std::nullopt;
  return Pin{name_of(record) + " is a pipe that " + words_for(sharing.strangers.front()) +
                 " may read, too: it is of the same job and may not be looked into",
             "it can move once that process has ended"};
}

std::optional<Pin> shared_object_pin(const Sharing& sharing, const image::Description& record) {
  const Holder* holder = find_if(holders_of(sharing, record), &Holder::same_description);
  if (holder == nullptr) return std::nullopt;
  const std::string noun =
      record.kind() == Kind::KIND_EVENTFD ? "an event counter" : "an epoll instance";
  return Pin{name_of(record) + " is " + noun + " that it shares with " + words_for(*holder),
             "it can move once that process has ended or closed it"};
}

// `inherited`: strangers may have it, too.
void apply(const Sharing& sharing, bool inherited, image::Description& record, Pins& pins) {
  std::optional<Pin> pin;
  if (has_offset(record))
    record.set_offset_at_home(find_if(holders_of(sharing, record), &Holder::same_description) !=
                                  nullptr ||
                              (inherited && !sharing.strangers.empty()));
  else if (record.kind() == Kind::KIND_PIPE_IN)
    pin = other_reader_pin(sharing, inherited, record);
  else if (record.kind() == Kind::KIND_EVENTFD || record.kind() == Kind::KIND_EPOLL)
    pin = shared_object_pin(sharing, record);
  if (pin) pins.push_back(std::move(*pin));
}

bool can_be_watched(const image::Description& record) {
  switch (record.kind()) {
    case Kind::KIND_EVENTFD:
    case Kind::KIND_EPOLL:
    case Kind::KIND_PIPE_INNER:
    case Kind::KIND_PIPE_OUT:
      return true;
    default:
      return false;
  }
}

// Why this entry cannot be made again elsewhere; `occurrence`: how many entries of that number came
// before.
std::optional<std::string> entry_trouble(HostPid pid, int epoll, const Kind::EpollEntry& entry,
                                         unsigned occurrence, JudgedDescriptors& judged) {
  const std::string target = "fd " + std::to_string(entry.fd());
  const auto current = epoll_entry_is_current(pid, epoll, entry.fd(), occurrence);
  const image::Description* record = judged.find(entry.fd());
  if (!current || !*current) return target + ", which has since been closed";
  if (record == nullptr) return target + ", which cannot be carried";
  if (!can_be_watched(*record)) return target + ", whose input comes from outside";
  const bool disarmed = (entry.events() & EPOLLONESHOT) != 0 &&
                        (entry.events() & ~static_cast<std::uint32_t>(EPOLLONESHOT | EPOLLET)) == 0;
  if (disarmed) return target + " once, and has";
  return std::nullopt;
}

void judge_epoll(HostPid pid, const image::Description& record, JudgedDescriptors& judged) {
  std::map<int, unsigned> occurrences;
  for (const auto& entry : record.epoll())
    if (const auto trouble = entry_trouble(pid, record.representative_fd(), entry,
                                           occurrences[entry.fd()]++, judged)) {
      judged.pins.push_back({name_of(record) + " is an epoll instance that watches " + *trouble,
                             "it can move once the program no longer watches that"});
      return;
    }
}

}  // namespace

image::Description* JudgedDescriptors::find(int fd) {
  const auto number = std::ranges::find(descriptors, fd, &image::Descriptor::number);
  return number == descriptors.end() ? nullptr : &descriptions[number->description()];
}

JudgedDescriptors judge_groups(const std::vector<DescriptorGroup>& groups) {
  JudgedDescriptors judged;
  for (const DescriptorGroup& group : groups) {
    Verdict verdict = judge(group.front());
    if (auto* pin = std::get_if<Pin>(&verdict))
      judged.pins.push_back(std::move(*pin));
    else
      add(group, std::get<image::Description>(std::move(verdict)), judged);
  }
  std::ranges::sort(judged.descriptors, {}, &image::Descriptor::number);
  return judged;
}

Result<> apply_sharing(HostPid pid, const std::vector<HostPid>& job, JudgedDescriptors& judged) {
  LLRUN_TRY_ASSIGN(const Sharing sharing,
                   find_sharing(pid, make_questions(judged.descriptions), job));
  mark_inner_pipes(sharing, judged);
  for (std::size_t i = 0; i < judged.descriptions.size(); ++i)
    apply(sharing, survives_exec(judged, i), judged.descriptions[i], judged.pins);
  return {};
}

void mark_inner_pipes(const Sharing& sharing, JudgedDescriptors& judged) {
  struct Ends {
    bool read = false, write = false, held_outside = false;
  };
  std::map<std::uint64_t, Ends> pipes;
  for (const auto& record : judged.descriptions) {
    if (!is_pipe(record) || record.path().starts_with('/'))
      continue;  // a FIFO can be opened by others
    Ends& ends = pipes[record.pipe_id()];
    (record.pipe_reads() ? ends.read : ends.write) = true;
    ends.held_outside |= !holders_of(sharing, record).empty();
  }
  for (auto& record : judged.descriptions) {
    const auto found = pipes.find(record.pipe_id());
    if (!is_pipe(record) || record.path().starts_with('/') || found == pipes.end()) continue;
    const Ends& ends = found->second;
    if (ends.read && ends.write && !ends.held_outside) record.set_kind(Kind::KIND_PIPE_INNER);
  }
}

void judge_epolls(HostPid pid, JudgedDescriptors& judged) {
  for (const auto& record : judged.descriptions)
    if (record.kind() == Kind::KIND_EPOLL) judge_epoll(pid, record, judged);
}

}  // namespace llrun::tracer
