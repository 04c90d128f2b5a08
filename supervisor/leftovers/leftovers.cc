#include "supervisor/leftovers/leftovers.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

namespace llrun::leftovers {
namespace {

// A world ends within this time of its supervisor, and an agent listens within it.
constexpr std::chrono::milliseconds kSecondLook{700};

std::vector<Leftover> look() {
  auto found = of_processes();
  auto files = of_files();
  std::ranges::move(files, std::back_inserter(found));
  return found;
}

}  // namespace

std::vector<Leftover> find() {
  auto first = look();
  if (first.empty()) return first;
  std::this_thread::sleep_for(kSecondLook);
  auto second = look();
  std::erase_if(second, [&](const Leftover& now) {
    return std::ranges::none_of(first, [&](const Leftover& before) {
      return before.kind == now.kind && before.what == now.what;
    });
  });
  return second;
}

}  // namespace llrun::leftovers
