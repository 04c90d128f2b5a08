// How long a decision takes with 1000 nodes known and 100 processes. The aim is below 100
// microseconds.
#include <benchmark/benchmark.h>

#include "policies/random.h"
#include "policies/strategy/strategy.h"

namespace llrun::policies {
namespace {

void decide(benchmark::State& state, std::string_view name) {
  Random random(1);
  std::vector<NodeView> peers(1000);
  for (std::size_t i = 0; i < peers.size(); ++i) {
    peers[i].name = "node" + std::to_string(i);
    peers[i].run_queue = peers[i].load = static_cast<double>(90 + random.below(20));
    peers[i].age_s = 1;
    for (int k = 0; k < static_cast<int>(peers[i].run_queue); ++k)
      peers[i].census.add(random.uniform() * 100);
  }
  std::vector<ProcessView> processes(100);
  ClusterView view;
  for (std::size_t i = 0; i < processes.size(); ++i) {
    processes[i].id = i;
    processes[i].cpu_s = processes[i].cpu_since_move_s = random.uniform() * 100;
    processes[i].placed = true;
    view.self.census.add(processes[i].cpu_s);
  }
  view.self.run_queue = view.self.load = 100;
  view.peers = peers;
  const auto strategy = make_strategy(name);
  for (auto _ : state) benchmark::DoNotOptimize((*strategy)->decide(view, processes));
}

}  // namespace
}  // namespace llrun::policies

int main(int argc, char** argv) {
  for (const auto& info : llrun::policies::builtin_strategies())
    benchmark::RegisterBenchmark(
        ("decide/" + std::string(info.name)).c_str(),
        [name = info.name](benchmark::State& state) { llrun::policies::decide(state, name); });
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
