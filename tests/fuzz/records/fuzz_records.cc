// Records that an earlier agent, of any version, has left: the four sketches of a row of the
// history, or the file of costs.
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>

#include "policies/history.h"
#include "supervisor/agent/costs.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace llrun;
using fuzz::Counter;
using policies::Sketch;

Counter sketches("sketches");
Counter refused("sketches refused", true);
Counter costs_read("files of costs");

void use(const policies::ProgramHistory& history) {
  policies::ProgramHistory both = history;
  both.merge(history);
  both.record({1.5, 1e6, 1e8, 2});
  for (const double age : {0.0, 0.01, 3.0, 1e9}) {
    const double left = policies::remaining_cpu_s(&both, age);
    LLRUN_CHECK(std::isfinite(left) && left >= 0, "what is left");
  }
  if (const auto expected = policies::expected_cpu_s(&both))
    LLRUN_CHECK(std::isfinite(*expected) && *expected >= 0, "what is expected");
  LLRUN_CHECK(Sketch::parse(both.cpu_s.text()).has_value(), "what is written can be read");
  (void)both.rss_bytes.mean();
}

void read_sketches(fuzz::Input& input) {
  policies::ProgramHistory history;
  for (Sketch* sketch :
       {&history.cpu_s, &history.io_bytes_per_s, &history.rss_bytes, &history.home_calls_per_s}) {
    auto parsed = Sketch::parse(input.piece());
    ++(parsed ? sketches : refused);
    if (parsed) *sketch = *parsed;
  }
  use(history);
}

void read_costs(std::string_view text) {
  const Fd file(::memfd_create("costs", MFD_CLOEXEC));
  LLRUN_CHECK(write_all(file.get(), std::as_bytes(std::span(text))), "write");
  agent::Costs costs("/proc/self/fd/" + std::to_string(file.get()));
  const auto model = costs.model();
  LLRUN_CHECK(std::isfinite(model.freeze_s) && std::isfinite(model.freeze_s_per_byte), "costs");
  LLRUN_CHECK(model.freeze_s >= 0 && model.freeze_s_per_byte >= 0, "costs");
  LLRUN_CHECK(std::isfinite(costs.bandwidth("b")) && costs.bandwidth("b") >= 0, "bandwidth");
  ++costs_read;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  if (input.byte() % 2 == 0)
    read_sketches(input);
  else
    read_costs(input.rest());
  return 0;
}

std::vector<std::string> llrun::fuzz::seeds() {
  const std::string row = fuzz::piece("3:1 20:0.98 21:2.5") + fuzz::piece("0:4") +
                          fuzz::piece("95:1e3") + fuzz::piece("");
  return {std::string(1, '\0') + row,
          "\1"
          "2 100000000 0.95 10000000000000000 90000000\nb 110.5\nc 7\n",
          "\1"
          "1.9 0 0.05 0 0\n"};
}
