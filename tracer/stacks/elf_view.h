// What the unwinder asks of an ELF image in the program's memory: its program headers.
#pragma once

#include <elf.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"

namespace llrun::tracer {

using ReadMemory = std::function<Result<>(std::uint64_t address, std::span<std::byte> into)>;

struct ElfView {
  std::uint64_t bias = 0;  // added to the file's addresses
  std::vector<Elf64_Phdr> headers;
  [[nodiscard]] const Elf64_Phdr* find(std::uint32_t type) const;
};

// The image whose ELF header is at `start`; nothing if there is none of this machine's kind.
[[nodiscard]] std::optional<ElfView> view_elf(std::uint64_t start, const ReadMemory& read);

// A number of .eh_frame_hdr (DW_EH_PE_*) at `address`, which is moved on behind it. `header` is
// what data-relative numbers count from.
[[nodiscard]] std::optional<std::uint64_t> read_encoded(std::uint64_t& address,
                                                        std::uint8_t encoding, std::uint64_t header,
                                                        const ReadMemory& read);

}  // namespace llrun::tracer
