// ExternalStrategy: a user's own program decides, within a time limit; a built-in strategy does
// while it cannot.
//
// The program is started with its stdin and stdout on one socket and asked in JSON lines
// (policies/strategy/ external.h). Whatever goes wrong (it ends, is late, or answers nonsense) is
// logged once in words, the fallback answers that question, and the program is ended and started
// anew after a pause that doubles; after `most_starts` it stays ended. Asking blocks for at most
// the limit.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "policies/strategy/strategy.h"

namespace llrun::agent {

struct ExternalStrategyOptions {
  std::vector<std::string> command;  // path and arguments
  std::chrono::milliseconds limit{200};
  std::chrono::milliseconds first_pause{1000};  // before it is started again
  int most_starts = 8;
};

class ExternalStrategy final : public policies::Strategy {
 public:
  ExternalStrategy(ExternalStrategyOptions options, std::unique_ptr<policies::Strategy> fallback);
  ~ExternalStrategy() override;
  ExternalStrategy(const ExternalStrategy&) = delete;
  ExternalStrategy& operator=(const ExternalStrategy&) = delete;

  std::string_view name() const override { return name_; }
  std::vector<policies::Decision> decide(const policies::ClusterView& view,
                                         std::span<const policies::ProcessView> processes) override;
  policies::Placement place(const policies::ClusterView& view,
                            const policies::ExecView& exec) override;

  std::string trouble() const override { return complaint_; }
  // Why the fallback is answering, in words; empty while the program does.
  [[nodiscard]] const std::string& complaint() const { return complaint_; }
  [[nodiscard]] int starts() const { return starts_; }

 private:
  using Clock = MonotonicClock;
  // The line that answers `question`, which bears next_id_.
  [[nodiscard]] Result<std::string> ask(const std::string& question);
  [[nodiscard]] Result<> ensure_running();
  [[nodiscard]] Result<> start();
  [[nodiscard]] Result<> write_all(std::string_view text, Clock::time_point deadline);
  [[nodiscard]] Result<std::string> read_line(Clock::time_point deadline);
  [[nodiscard]] Result<> wait_for(short events, Clock::time_point deadline) const;
  void give_up(const Error& error);
  void end();

  ExternalStrategyOptions options_;
  std::unique_ptr<policies::Strategy> fallback_;
  std::string name_;
  Fd channel_;
  pid_t child_ = 0;
  std::string buffered_;
  std::uint64_t next_id_ = 0;
  int starts_ = 0;
  Clock::time_point next_start_{};
  std::string complaint_;
};

// "exec:/path args" or a built-in name; the fallback of a program is `fallback`, built in.
[[nodiscard]] Result<std::unique_ptr<policies::Strategy>> make_any_strategy(
    std::string_view name, const policies::StrategyOptions& options,
    std::string_view fallback = policies::kDefaultStrategy);

}  // namespace llrun::agent
