#include "supervisor/history/build_id.h"

#include <elf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gelf.h>
#include <libelf.h>

#include <cstring>
#include <memory>

#include "base/fd.h"

namespace llrun::history {
namespace {

std::string hexadecimal(const unsigned char* bytes, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += fmt::format("{:02x}", bytes[i]);
  return text;
}

std::string in_notes(Elf_Data* notes) {
  GElf_Nhdr note;
  std::size_t name = 0, content = 0;
  const auto* bytes = static_cast<const unsigned char*>(notes->d_buf);
  for (std::size_t at = 0; (at = ::gelf_getnote(notes, at, &note, &name, &content)) > 0;)
    if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof ELF_NOTE_GNU &&
        std::memcmp(bytes + name, ELF_NOTE_GNU, sizeof ELF_NOTE_GNU) == 0)
      return hexadecimal(bytes + content, note.n_descsz);
  return "";
}

}  // namespace

std::string build_id_of(const std::string& file) {
  const auto opened = open_file(file, O_RDONLY);
  if (!opened || ::elf_version(EV_CURRENT) == EV_NONE) return "";
  const std::unique_ptr<Elf, int (*)(Elf*)> elf(
      ::elf_begin(opened->get(), ELF_C_READ_MMAP, nullptr), ::elf_end);
  std::size_t count = 0;
  if (elf == nullptr || ::elf_getphdrnum(elf.get(), &count) != 0) return "";
  for (std::size_t i = 0; i < count; ++i) {
    GElf_Phdr segment;
    if (::gelf_getphdr(elf.get(), static_cast<int>(i), &segment) == nullptr ||
        segment.p_type != PT_NOTE)
      continue;
    Elf_Data* notes =
        ::elf_getdata_rawchunk(elf.get(), static_cast<std::int64_t>(segment.p_offset),
                               segment.p_filesz, segment.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
    if (notes == nullptr) continue;
    if (auto found = in_notes(notes); !found.empty()) return found;
  }
  return "";
}

}  // namespace llrun::history
