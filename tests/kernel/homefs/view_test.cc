// The file view as programs see it: what they do through it and what they do directly must come to
// the same.
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <sstream>

#include "tests/kernel/homefs/world.h"

namespace llrun::homefs::testing {
namespace {

namespace fs = std::filesystem;

std::string slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

[[maybe_unused]] void spit(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::string run_command(const std::string& command) {
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  std::string output;
  char buffer[4096];
  while (pipe != nullptr && std::fgets(buffer, sizeof buffer, pipe) != nullptr) output += buffer;
  const int status = pipe == nullptr ? -1 : ::pclose(pipe);
  return fmt::format("{}{}", output, status);
}

TEST(FileView, IsARootInWhichPythonRuns) {
  World world({.server = {}, .pivot = true});
  EXPECT_EQ(world.run([](Guest&) {
    return run_command(
        "python3 -c 'import json,re,decimal,sqlite3; print(json.dumps([re.sub(\"a\",\"b\",\"aa\"),"
        "str(decimal.Decimal(1)/3)[:5]]))'");
  }),
            "[\"bb\", \"0.333\"]\n0");
}

TEST(FileView, ShowsTheSameFilesAsHome) {
  World world({.server = {.root = "/etc"}});
  EXPECT_EQ(world.run([](Guest& guest) -> std::string {
    std::set<std::string> direct, seen;
    for (const auto& entry : fs::directory_iterator("/etc")) direct.insert(entry.path().filename());
    for (const auto& entry : fs::directory_iterator(guest.path("/")))
      seen.insert(entry.path().filename());
    if (direct != seen) return "other names";
    return slurp("/etc/passwd") == slurp(guest.path("/passwd")) ? "" : "other bytes";
  }),
            "");
}

}  // namespace
}  // namespace llrun::homefs::testing

int main(int argc, char** argv) {
  llrun::homefs::testing::become_ordinary_user();
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
