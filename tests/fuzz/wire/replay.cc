// Replays files, or so many damaged streams: wire_fuzz_replay ROUNDS | FILE…
//
// The damage is seeded, so that a failing round fails again; the input of the round under way is
// left in wire_fuzz_input when the program is killed by it.
#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>

#include "tests/fuzz/wire/fuzz_stream.h"
#include "tests/fuzz/wire/seeds.h"

namespace {

volatile std::sig_atomic_t round_under_way = -1;

void tell_round(int signal) {
  std::fprintf(stderr, "in round %d\n", static_cast<int>(round_under_way));
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void run(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
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
    switch (below(6)) {
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
      default:
        text += text.substr(at, below(4096));
    }
  }
  std::mt19937 random_;
};

int replay_files(int count, char** names) {
  for (int i = 0; i < count; ++i) {
    std::ifstream file(names[i], std::ios::binary);
    run({std::istreambuf_iterator<char>(file), {}});
  }
  return 0;
}

// The seeds themselves must reach every reader, or the rounds would test nothing.
bool seeds_are_read(const std::vector<std::string>& seeds) {
  StreamReport total;
  for (const auto& seed : seeds) {
    run(std::string(1, '\0') + seed);
    if (last_report().refused) return false;
    total.pages += last_report().pages;
    total.messages += last_report().messages;
    total.valid_images += last_report().valid_images;
  }
  return total.pages >= 4 && total.messages >= 7 && total.valid_images == 4;
}

}  // namespace

int main(int argc, char** argv) {
  char* end = nullptr;
  const int rounds = argc > 1 ? static_cast<int>(std::strtol(argv[1], &end, 10)) : 1000;
  if (argc > 1 && *end != '\0') return replay_files(argc - 1, argv + 1);
  google::protobuf::SetLogHandler(nullptr);  // it complains about each damaged message
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE}) std::signal(signal, tell_round);
  const auto seeds = seed_streams();
  if (!seeds_are_read(seeds)) {
    std::puts("a well-formed stream has not been read");
    return 1;
  }
  std::size_t refused_streams = 0, refused_images = 0, valid_images = 0;
  for (int round = 0; round < rounds; ++round) {
    Damage damage(static_cast<std::uint32_t>(round));
    std::string input = seeds[damage.below(seeds.size())];
    damage.apply(input);
    input.insert(0, 1, static_cast<char>(damage.below(4) == 0 ? 1 + damage.below(255) : 0));
    round_under_way = round;
    run(input);
    refused_streams += last_report().refused;
    refused_images += last_report().refused_images;
    valid_images += last_report().valid_images;
  }
  std::printf("%d streams: %zu refused; images: %zu refused, %zu valid\n", rounds, refused_streams,
              refused_images, valid_images);
  return refused_streams > 0 && refused_images > 0 && valid_images > 0 ? 0 : 1;
}
