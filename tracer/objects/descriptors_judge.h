// The judgement on all descriptors of a process together: what is shared, which pipes are inner
// ones, what epoll instances watch.
#pragma once

#include <map>
#include <vector>

#include "tracer/objects/descriptors.h"
#include "tracer/objects/descriptors_group.h"
#include "tracer/objects/sharing.h"

namespace llrun::tracer {

// Records and pins of a process's descriptors while they are being judged.
struct JudgedDescriptors {
  std::vector<image::Description> descriptions;  // those that are carried
  std::vector<image::Descriptor> descriptors;    // of these
  Pins pins;

  [[nodiscard]] image::Description* find(int fd);  // the description that a number refers to
};

[[nodiscard]] JudgedDescriptors judge_groups(const std::vector<DescriptorGroup>& groups);

// Offsets that stay at home, pins for what others read or hold, too.
[[nodiscard]] Result<> apply_sharing(HostPid pid, const std::vector<HostPid>& job,
                                     JudgedDescriptors& judged);
// Pipes that nobody outside holds become inner ones. `sharing`: as apply_sharing found it.
void mark_inner_pipes(const Sharing& sharing, JudgedDescriptors& judged);
// Pins for epoll instances that watch what they cannot watch elsewhere.
void judge_epolls(HostPid pid, JudgedDescriptors& judged);

}  // namespace llrun::tracer
