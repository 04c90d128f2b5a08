// Drives a fuzzer without libFuzzer, under any compiler.
//
//   NAME_fuzz_replay ROUNDS [CORPUS]     the seeds, the corpus, then so many damaged ones of these
//   NAME_fuzz_replay FILE…               these files
//   NAME_fuzz_replay --seeds DIRECTORY   writes the seeds there, as a corpus for libFuzzer
//
// The damage is seeded: a round that fails fails again, and what kills the program is told with its
// round.
#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>

#include "base/log.h"
#include "tests/fuzz/fuzz.h"

namespace {

using llrun::fuzz::Counter;

volatile std::sig_atomic_t round_under_way = -1;

void tell_round(int signal) {
  std::fprintf(stderr, "in round %d\n", static_cast<int>(round_under_way));
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

// In an allocation of its own, so that a sanitizer sees each byte that is read behind its end.
void run(const std::string& input) {
  const auto copy = std::make_unique<std::uint8_t[]>(input.size());
  std::memcpy(copy.get(), input.data(), input.size());
  LLVMFuzzerTestOneInput(copy.get(), input.size());
}

class Damage {
 public:
  explicit Damage(std::uint32_t seed) : random_(seed) {}

  void apply(std::string& text) {
    for (std::size_t count = below(6); count > 0 && !text.empty(); --count) one(text);
  }
  std::size_t below(std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_);
  }

 private:
  // Half of the damage is done near the start, where the headers are.
  std::size_t place(const std::string& text) {
    return below(2) == 0 ? below(std::min<std::size_t>(text.size(), 64)) : below(text.size());
  }
  void one(std::string& text) {
    static constexpr char kTelling[] = {'\0', '\1', '\x7f', '\x80', '\xff', '\x10', '\x40'};
    const std::size_t at = place(text);
    switch (below(7)) {
      case 0:
        text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
        break;
      case 1:
        text[at] = kTelling[below(sizeof kTelling)];
        break;
      case 2:
        text.resize(at);
        break;
      case 3:
        text.erase(at, 1 + below(16));
        break;
      case 4:
        text.insert(at, 1 + below(16), kTelling[below(sizeof kTelling)]);
        break;
      case 5:
        text[at] = static_cast<char>(below(256));
        break;
      default:
        text += text.substr(at, below(4096));
    }
  }
  std::mt19937 random_;
};

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> read_corpus(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) files.push_back(entry);
  std::ranges::sort(files);  // the rounds must mean the same everywhere
  std::vector<std::string> corpus;
  for (const auto& file : files) corpus.push_back(read_file(file));
  return corpus;
}

int replay_files(int count, char** names) {
  for (int i = 0; i < count; ++i) run(read_file(names[i]));
  return 0;
}

int write_seeds(const std::filesystem::path& directory) {
  std::filesystem::create_directories(directory);
  int number = 0;
  for (const auto& seed : llrun::fuzz::seeds())
    std::ofstream(directory / ("seed-" + std::to_string(number++)), std::ios::binary) << seed;
  return 0;
}

bool seeds_are_taken(const std::vector<std::string>& seeds) {
  for (std::size_t i = 0; i < seeds.size(); ++i) {
    run(seeds[i]);
    for (const auto* counter : Counter::all())
      if (counter->refusal() && counter->count() > 0)
        return std::printf("the well-formed input %zu: %s\n", i, counter->what()), false;
  }
  return true;
}

int tell_counts(int rounds) {
  int idle = 0;
  std::printf("%d rounds", rounds);
  for (const auto* counter : Counter::all()) {
    std::printf(", %s: %zu", counter->what(), counter->count());
    idle += counter->count() == 0;
  }
  std::puts(idle == 0 ? "" : "\nsomething never happened: the inputs do not get so far any more");
  return idle == 0 ? 0 : 1;
}

int replay(int rounds, const char* corpus) {
  auto inputs = llrun::fuzz::seeds();
  if (!seeds_are_taken(inputs)) return 1;
  if (corpus != nullptr) {
    auto files = read_corpus(corpus);
    for (const auto& file : files) run(file);
    inputs.insert(inputs.end(), files.begin(), files.end());
  }
  if (inputs.empty()) return std::puts("there is nothing to start from"), 1;
  for (int round = 0; round < rounds; ++round) {
    Damage damage(static_cast<std::uint32_t>(round));
    std::string input = inputs[damage.below(inputs.size())];
    damage.apply(input);
    round_under_way = round;
    run(input);
  }
  return tell_counts(rounds);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2)
    return std::fputs("usage: ROUNDS [CORPUS] | FILE… | --seeds DIRECTORY\n", stderr), 2;
  google::protobuf::SetLogHandler(nullptr);  // it complains about each damaged message
  llrun::log::be_silent();
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE}) std::signal(signal, tell_round);
  const std::string_view first = argv[1];
  if (first == "--seeds" && argc == 3) return write_seeds(argv[2]);
  int rounds = 0;
  const auto parsed = std::from_chars(first.begin(), first.end(), rounds);
  if (parsed.ec != std::errc{} || parsed.ptr != first.end())
    return replay_files(argc - 1, argv + 1);
  return replay(rounds, argc > 2 ? argv[2] : nullptr);
}
