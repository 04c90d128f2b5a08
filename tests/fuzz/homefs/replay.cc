// Replays a corpus, and variations of it, through the fuzzer's entry with any compiler.
//
//   homefs_fuzz_replay CORPUS [VARIATIONS_PER_FILE [SEED]]
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void vary(Bytes& bytes, std::mt19937& random) {
  for (auto changes = 1 + random() % 4; changes > 0 && !bytes.empty(); --changes) {
    const auto at = random() % bytes.size();
    switch (random() % 4) {
      case 0:
        bytes[at] = static_cast<std::uint8_t>(random());
        break;
      case 1:
        bytes[at] ^= static_cast<std::uint8_t>(1U << random() % 8);
        break;
      case 2:
        bytes.resize(at);
        break;
      default:
        bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), 1 + random() % 16, 0xFF);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const int variations = argc > 2 ? std::atoi(argv[2]) : 2000;
  std::mt19937 random(argc > 3 ? static_cast<unsigned>(std::atoi(argv[3])) : 1U);
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
    const auto original = read_file(entry.path());
    LLVMFuzzerTestOneInput(original.data(), original.size());
    for (int i = 0; i < variations; ++i) {
      auto bytes = original;
      vary(bytes, random);
      LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    }
    ++files;
  }
  std::printf("%d files, %d variations of each\n", files, variations);
  return files > 0 ? 0 : 1;
}
