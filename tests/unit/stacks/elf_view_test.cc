#include "tracer/stacks/elf_view.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace llrun::tracer {
namespace {

// Memory that begins at kBase.
constexpr std::uint64_t kBase = 0x7000'0000;

ReadMemory memory_of(const std::vector<std::byte>& bytes) {
  return [&bytes](std::uint64_t address, std::span<std::byte> into) -> Result<> {
    if (address < kBase || address - kBase > bytes.size() ||
        bytes.size() - (address - kBase) < into.size())
      return system_error("read", EFAULT);
    std::copy_n(bytes.data() + (address - kBase), into.size(), into.data());
    return {};
  };
}

std::vector<std::byte> image(Elf64_Half headers, Elf64_Addr first_address) {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_machine = EM_X86_64;
  header.e_phoff = sizeof(header);
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = headers;
  Elf64_Phdr load{};
  load.p_type = PT_LOAD;
  load.p_vaddr = first_address;
  std::vector<std::byte> bytes(sizeof(header) + headers * sizeof(load));
  std::memcpy(bytes.data(), &header, sizeof(header));
  if (headers > 0) std::memcpy(bytes.data() + sizeof(header), &load, sizeof(load));
  return bytes;
}

TEST(ElfView, KnowsHowFarTheImageWasMoved) {
  const auto moved = image(2, 0);
  const auto fixed = image(2, kBase);
  EXPECT_EQ(view_elf(kBase, memory_of(moved))->bias, kBase);
  EXPECT_EQ(view_elf(kBase, memory_of(fixed))->bias, 0U);
}

TEST(ElfView, RefusesWhatIsNotAnImage) {
  auto no_header = image(1, 0);
  no_header[0] = std::byte{0};
  const auto nothing_loaded = image(0, 0);
  auto cut = image(3, 0);
  cut.resize(cut.size() - 1);
  const auto too_many = image(60000, 0);
  for (const auto& bytes : {no_header, nothing_loaded, cut, too_many, std::vector<std::byte>{}})
    EXPECT_FALSE(view_elf(kBase, memory_of(bytes)));
}

TEST(ElfView, ReadsEncodedNumbers) {
  const std::vector<std::byte> bytes(16, std::byte{0xfe});
  const auto read = memory_of(bytes);
  std::uint64_t at = kBase;
  EXPECT_EQ(read_encoded(at, 0x03, 0, read), 0xfefefefe);  // udata4
  EXPECT_EQ(at, kBase + 4);
  EXPECT_EQ(read_encoded(at, 0x1b, 0, read), kBase + 4 - 0x1010102);  // sdata4, pc-relative
  EXPECT_EQ(read_encoded(at, 0x3a, 0x1000, read), 0x1000U - 0x102);   // sdata2, data-relative
  EXPECT_EQ(read_encoded(at, 0x50, 0, read), std::nullopt);           // aligned: not used here
  EXPECT_EQ(read_encoded(at, 0xff, 0, read), std::nullopt);           // omitted
  at = kBase + 13;
  EXPECT_EQ(read_encoded(at, 0x03, 0, read), std::nullopt);  // past the end
}

}  // namespace
}  // namespace llrun::tracer
