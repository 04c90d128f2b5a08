#include "supervisor/history/build_id.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace llrun::history {
namespace {

TEST(BuildIdTest, IsThatOfTheFile) {
  const std::string own = build_id_of("/proc/self/exe");
  const std::string shell = build_id_of("/bin/bash");
  EXPECT_GE(shell.size(), 16U);
  EXPECT_EQ(shell.find_first_not_of("0123456789abcdef"), std::string::npos) << shell;
  EXPECT_EQ(build_id_of("/bin/bash"), shell);
  EXPECT_NE(own, shell);
}

TEST(BuildIdTest, IsEmptyWhereThereIsNone) {
  EXPECT_EQ(build_id_of("/etc/passwd"), "");
  EXPECT_EQ(build_id_of("/no/such/file"), "");
  EXPECT_EQ(build_id_of("/"), "");
}

TEST(BuildIdTest, ATornFileHarmsNothing) {
  char name[] = "/tmp/llrun-elf-XXXXXX";
  ASSERT_NE(mkdtemp(name), nullptr);
  const std::string path = std::string(name) + "/torn";
  std::ifstream whole("/bin/bash", std::ios::binary);
  std::string head(2000, '\0');
  whole.read(head.data(), static_cast<std::streamsize>(head.size()));
  const std::string shell = build_id_of("/bin/bash");
  for (std::size_t length = 0; length < head.size(); length += 37) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << head.substr(0, length);
    const std::string found = build_id_of(path);
    EXPECT_TRUE(found.empty() || found == shell) << length;
    EXPECT_TRUE(found.empty() || length >= 500) << "the headers are not whole: " << length;
  }
  std::remove(path.c_str());
  std::remove(name);
}

}  // namespace
}  // namespace llrun::history
