#include "tracer/stacks/elf_view.h"

#include <algorithm>
#include <cstring>

namespace llrun::tracer {
namespace {

constexpr std::size_t kMostHeaders = 64;

template <typename T>
std::optional<T> value_at(std::uint64_t address, const ReadMemory& read) {
  T value{};
  if (!read(address, std::as_writable_bytes(std::span(&value, 1)))) return std::nullopt;
  return value;
}

bool is_ours(const Elf64_Ehdr& header) {
  return std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 &&
         header.e_ident[EI_CLASS] == ELFCLASS64 && header.e_machine == EM_X86_64 &&
         header.e_phentsize == sizeof(Elf64_Phdr) && header.e_phnum > 0 &&
         header.e_phnum <= kMostHeaders;
}

// The header is at file offset 0, so it lies in the first loaded segment.
std::optional<std::uint64_t> bias_of(const ElfView& view, std::uint64_t start) {
  const auto* first = view.find(PT_LOAD);
  if (first == nullptr) return std::nullopt;
  return start - (first->p_vaddr - first->p_offset);
}

// Reads a number of type T and widens it, by its sign if it has one.
template <typename T>
std::optional<std::uint64_t> number_at(std::uint64_t& address, const ReadMemory& read) {
  const auto value = value_at<T>(address, read);
  if (!value) return std::nullopt;
  address += sizeof(T);
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(*value));
}

// The low four bits of an encoding: DW_EH_PE_absptr, udata2 … sdata8.
std::optional<std::uint64_t> number_at(std::uint64_t& address, std::uint8_t format,
                                       const ReadMemory& read) {
  switch (format) {
    case 0x00:
    case 0x04:
    case 0x0c:
      return number_at<std::uint64_t>(address, read);
    case 0x02:
      return number_at<std::uint16_t>(address, read);
    case 0x03:
      return number_at<std::uint32_t>(address, read);
    case 0x0a:
      return number_at<std::int16_t>(address, read);
    case 0x0b:
      return number_at<std::int32_t>(address, read);
    default:
      return std::nullopt;
  }
}

}  // namespace

const Elf64_Phdr* ElfView::find(std::uint32_t type) const {
  const auto found = std::ranges::find(headers, type, &Elf64_Phdr::p_type);
  return found == headers.end() ? nullptr : &*found;
}

std::optional<ElfView> view_elf(std::uint64_t start, const ReadMemory& read) {
  const auto header = value_at<Elf64_Ehdr>(start, read);
  if (!header || !is_ours(*header)) return std::nullopt;
  ElfView view;
  view.headers.resize(header->e_phnum);
  if (!read(start + header->e_phoff, std::as_writable_bytes(std::span(view.headers))))
    return std::nullopt;
  const auto bias = bias_of(view, start);
  if (!bias) return std::nullopt;
  view.bias = *bias;
  return view;
}

std::optional<std::uint64_t> read_encoded(std::uint64_t& address, std::uint8_t encoding,
                                          std::uint64_t header, const ReadMemory& read) {
  constexpr std::uint8_t kPcRelative = 0x10;
  constexpr std::uint8_t kDataRelative = 0x30;
  const std::uint64_t here = address;
  const auto number = number_at(address, encoding & 0x0f, read);
  if (!number) return std::nullopt;
  switch (encoding & 0x70) {
    case 0:
      return *number;
    case kPcRelative:
      return *number + here;
    case kDataRelative:
      return *number + header;
    default:
      return std::nullopt;
  }
}

}  // namespace llrun::tracer
