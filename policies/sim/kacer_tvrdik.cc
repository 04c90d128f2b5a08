#include <algorithm>
#include <cmath>

#include "policies/random.h"
#include "policies/sim/workload.h"

namespace llrun::policies::sim {

namespace {

constexpr double kBytes = 0.5e6;
constexpr double kMeanOfCube = 0.25;

// All batches with all their sizes are drawn beforehand, so that a strategy cannot change what is
// submitted.
class KacerTvrdik final : public Workload {
 public:
  explicit KacerTvrdik(const KacerTvrdikOptions& options) : options_(options) {
    Random random(options.seed);
    const double span = options.span_s > 0 ? options.span_s : natural_span();
    for (std::uint32_t user = 0; user < options.users; ++user)
      for (std::uint64_t i = 0; i < options.batches_each; ++i)
        batches_.push_back(draw_batch(random, user % options.nodes, span));
    std::ranges::sort(batches_, {}, &Batch::start_s);
  }

  std::optional<Job> next() override {
    if (batch_ == batches_.size()) return std::nullopt;
    Job job = make(batch_, process_, batches_[batch_].start_s);
    const bool last = options_.consecutive || ++process_ == batches_[batch_].cpu_s.size();
    if (last) {
      ++batch_;
      process_ = 0;
    }
    return job;
  }

  std::optional<Job> follows(const Job& job, double now_s) override {
    if (!options_.consecutive) return std::nullopt;
    const std::size_t batch = job.batch >> 32, next = (job.batch & 0xffffffff) + 1;
    if (next >= batches_[batch].cpu_s.size()) return std::nullopt;
    return make(batch, next, now_s);
  }

 private:
  struct Batch {
    double start_s;
    std::uint32_t home;
    std::vector<double> cpu_s;
  };
  [[nodiscard]] double natural_span() const {
    const double batches =
        static_cast<double>(options_.users) * static_cast<double>(options_.batches_each);
    const double work =
        batches * (options_.most_in_batch + 1) / 2 * options_.longest_s * kMeanOfCube;
    return work / (options_.rho * options_.nodes);
  }
  Batch draw_batch(Random& random, std::uint32_t home, double span) const {
    Batch batch{random.uniform() * span, home, {}};
    const std::size_t count = 1 + random.below(options_.most_in_batch);
    for (std::size_t i = 0; i < count; ++i)
      batch.cpu_s.push_back(options_.longest_s * std::pow(random.uniform(), 3));
    return batch;
  }
  [[nodiscard]] Job make(std::size_t batch, std::size_t process, double now_s) const {
    Job job;
    job.arrival_s = now_s;
    job.cpu_s = batches_[batch].cpu_s[process];
    job.rss_bytes = kBytes;
    job.home = batches_[batch].home;
    job.batch = batch << 32 | process;
    return job;
  }

  KacerTvrdikOptions options_;
  std::vector<Batch> batches_;
  std::size_t batch_ = 0, process_ = 0;
};

}  // namespace

std::unique_ptr<Workload> kacer_tvrdik_workload(const KacerTvrdikOptions& options) {
  return std::make_unique<KacerTvrdik>(options);
}

}  // namespace llrun::policies::sim
