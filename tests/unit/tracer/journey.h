// Journeys for tests: a program made a shadow and brought home into it, on one machine.
#pragma once

#include <csignal>
#include <cstring>
#include <tuple>
#include <vector>

#include "base/result.h"
#include "tracer/objects/freeze.h"
#include "tracer/objects/process.h"
#include "tracer/objects/restore.h"
#include "tracer/objects/shadow.h"
#include "tracer/ptrace/wait.h"

namespace llrun::tracer {

struct Page {
  RemoteAddr address;
  std::vector<std::byte> bytes;
};
struct Image {
  image::Process process;
  std::vector<Page> pages;
  std::vector<image::PageRange> plan;
};

inline Result<Image> take_image(Freeze& freeze) {
  LLRUN_TRY_ASSIGN(auto capture, capture_process(freeze));
  if (!capture.pins.empty()) return failure(ErrorCode::kRefused, capture.pins.front().what);
  Image image;
  image.process = std::move(capture.process);
  const std::vector<image::Mapping> mappings(image.process.memory().mappings().begin(),
                                             image.process.memory().mappings().end());
  LLRUN_TRY_ASSIGN(image.plan, plan_pages(freeze.pid(), mappings));
  LLRUN_TRY(
      for_each_page_block(freeze.pid(), image.plan,
                          [&](RemoteAddr address, std::span<const std::byte> bytes) -> Result<> {
                            image.pages.push_back({address, {bytes.begin(), bytes.end()}});
                            return {};
                          }));
  return image;
}

inline Result<> land_all(Restorer& restorer, const Image& image) {
  for (const auto& range : image.plan)
    if (range.kind() != image::PageRange::KIND_DATA) LLRUN_TRY(restorer.land_range(range));
  for (const auto& page : image.pages) LLRUN_TRY(restorer.land(page.address, page.bytes));
  return {};
}

// The shadow's other threads must be waited for before its main thread is said to have ended
// (ptrace(2)).
inline void end_shadow(const Shadow& shadow) {
  ::kill(shadow.pid().value, SIGKILL);
  for (const HostTid tid : shadow.tids())
    if (tid != shadow.main_thread()) std::ignore = wait_for_end(tid);
}

// Freeze, make the shadow, drop its memory, fill it again, run. `sleeps`: what is known of them,
// before and after.
inline Result<ThreadSet> there_and_home(ThreadSet threads, Sleeps* sleeps = nullptr) {
  LLRUN_TRY_ASSIGN(auto freeze, Freeze::begin(std::move(threads), Freeze::Where::kGuest, sleeps));
  LLRUN_TRY_ASSIGN(const auto image, take_image(freeze));
  LLRUN_TRY_ASSIGN(auto shadow, Shadow::make(std::move(freeze), image.process));
  LLRUN_TRY(shadow.drop_memory());
  const auto stub = shadow.stub();
  LLRUN_TRY_ASSIGN(auto stopped, shadow.take_threads());
  const RestoreOptions options;
  Restorer restorer(image.process, std::move(stopped), options);
  LLRUN_TRY(restorer.lay_out(stub.site(), stub));
  LLRUN_TRY(land_all(restorer, image));
  LLRUN_TRY(restorer.finish());
  const auto ours = *restorer.stub();
  if (sleeps != nullptr) *sleeps = restorer.take_sleeps();
  LLRUN_TRY_ASSIGN(auto home, restorer.release(false));
  LLRUN_TRY(ours.unmap_from(home.pid(), home.stopped(HostTid{home.pid().value})));
  if (sleeps != nullptr) LLRUN_TRY(sleeps->resume_from(home));
  LLRUN_TRY(home.resume_all());
  return home;
}

}  // namespace llrun::tracer
