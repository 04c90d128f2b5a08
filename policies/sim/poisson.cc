#include <cmath>
#include <utility>

#include "policies/random.h"
#include "policies/sim/workload.h"

namespace llrun::policies::sim {

SizeLaw exponential_sizes(double mean_s) {
  return [mean_s](const UniformSource& uniform) { return -mean_s * std::log1p(-uniform()); };
}

SizeLaw pareto_sizes(double alpha, double low_s, double high_s) {
  const double tail = std::pow(low_s / high_s, alpha);
  return [=](const UniformSource& uniform) {
    return low_s / std::pow(1 - uniform() * (1 - tail), 1 / alpha);
  };
}

double pareto_mean_s(double alpha, double low_s, double high_s) {
  const double ratio = low_s / high_s;
  const double scale = low_s / (1 - std::pow(ratio, alpha));
  if (std::abs(alpha - 1) < 1e-9) return scale * -std::log(ratio);
  return scale * alpha / (alpha - 1) * (1 - std::pow(ratio, alpha - 1));
}

namespace {

class Poisson final : public Workload {
 public:
  Poisson(ArrivalOptions options, SizeLaw sizes)
      : options_(std::move(options)), sizes_(std::move(sizes)), random_(options_.seed) {
    double sum = 0;
    for (const double weight : options_.home_weights) cumulative_.push_back(sum += weight);
  }

  std::optional<Job> next() override {
    if (made_ == options_.jobs) return std::nullopt;
    if (left_in_batch_ == 0) begin_batch();
    --left_in_batch_;
    ++made_;
    Job job;
    job.arrival_s = now_s_;
    job.home = home_;
    job.cpu_s = sizes_(uniform_);
    if (options_.rss_mean_bytes > 0)
      job.rss_bytes = -options_.rss_mean_bytes * std::log1p(-random_.uniform());
    return job;
  }

 private:
  void begin_batch() {
    const double batch_rate = options_.rate_per_s / options_.batch_mean;
    now_s_ += -std::log1p(-random_.uniform()) / batch_rate;
    home_ = pick_home();
    left_in_batch_ = 1;
    const double more = 1 - 1 / options_.batch_mean;
    while (options_.batch_mean > 1 && random_.uniform() < more) ++left_in_batch_;
  }
  std::uint32_t pick_home() {
    const double at = random_.uniform() * cumulative_.back();
    std::size_t low = 0, high = cumulative_.size() - 1;
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      if (cumulative_[middle] <= at)
        low = middle + 1;
      else
        high = middle;
    }
    return static_cast<std::uint32_t>(low);
  }

  ArrivalOptions options_;
  SizeLaw sizes_;
  Random random_;
  UniformSource uniform_ = [this] { return random_.uniform(); };
  std::vector<double> cumulative_;
  std::uint64_t made_ = 0;
  std::uint64_t left_in_batch_ = 0;
  double now_s_ = 0;
  std::uint32_t home_ = 0;
};

class Listed final : public Workload {
 public:
  explicit Listed(std::vector<Job> jobs) : jobs_(std::move(jobs)) {}
  std::optional<Job> next() override {
    if (at_ == jobs_.size()) return std::nullopt;
    return jobs_[at_++];
  }

 private:
  std::vector<Job> jobs_;
  std::size_t at_ = 0;
};

}  // namespace

std::unique_ptr<Workload> poisson_workload(const ArrivalOptions& options, SizeLaw sizes) {
  return std::make_unique<Poisson>(options, std::move(sizes));
}

std::unique_ptr<Workload> listed_workload(std::vector<Job> jobs) {
  return std::make_unique<Listed>(std::move(jobs));
}

}  // namespace llrun::policies::sim
