#include "supervisor/job/memory_sender.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "supervisor/job/file_ranges.h"
#include "tracer/objects/memory.h"

namespace llrun {

using image::PageRange;

Result<> send_memory(HostPid pid, const image::MemoryLayout& memory, Link& link) {
  LLRUN_TRY_ASSIGN(auto plan,
                   tracer::plan_pages(pid, {memory.mappings().begin(), memory.mappings().end()}));
  protocol::JobMessage message;
  auto& end = *message.mutable_pages_end();
  std::vector<PageRange> anonymous;
  std::vector<PageRange> of_files;
  std::ranges::sort(plan, {}, &PageRange::start);
  FileRanges files(memory);
  for (const PageRange& range : plan) {
    // A private copy of a file's page may be all zero where the file is not: it has to travel.
    const bool file = files.contain(range.start());
    if (range.kind() == PageRange::KIND_DATA)
      (file ? of_files : anonymous).push_back(range);
    else if (file || range.kind() == PageRange::KIND_GUARD)
      *end.add_ranges() = range;
  }
  std::uint64_t bytes_sent = 0;
  const tracer::PageSink send = [&](tracer::RemoteAddr address, std::span<const std::byte> bytes) {
    bytes_sent += bytes.size();
    return link.send_pages(address.value, bytes);
  };
  LLRUN_TRY(tracer::for_each_page_block(pid, of_files, send));
  LLRUN_TRY(tracer::for_each_page_block(pid, anonymous, tracer::without_zero_pages(send)));
  end.set_pages(bytes_sent / wire::kPageSize);
  link.send(message);
  return {};
}

}  // namespace llrun
