#include "tracer/stacks/modules.h"

#include <cxxabi.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include "tracer/stacks/elf_view.h"

namespace llrun::tracer {
namespace {

// Modules are reported with their files, so libdwfl has nothing to look for itself.
int find_no_elf(Dwfl_Module*, void**, const char*, Dwarf_Addr, char**, Elf**) { return -1; }

// Debug information of this machine only (by build-id): the standard search might ask servers.
const Dwfl_Callbacks kCallbacks = {
    .find_elf = find_no_elf,
    .find_debuginfo = dwfl_build_id_find_debuginfo,
    .section_address = nullptr,
    .debuginfo_path = nullptr,
};

constexpr std::uint64_t kMostVdso = 1 << 20;  // it is some pages; how many may be a guest's word

bool is_file(const std::string& name) { return name.starts_with('/'); }

bool is_deleted(const std::string& name) { return name.ends_with(" (deleted)"); }

// libdw shows the version of a dynamic symbol: "read@@GLIBC_2.2.5".
std::string without_version(std::string name) {
  if (const auto at = name.find('@'); at != std::string::npos && at > 0) name.resize(at);
  return name;
}

std::string demangled(const char* name) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(name, nullptr, nullptr, &status), &std::free);
  return status == 0 && text ? text.get() : name;
}

std::string hexadecimal(const unsigned char* bytes, int count) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (int i = 0; i < count; ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

void add_symbol(StackFrame& frame, Dwfl_Module* module, std::uint64_t lookup) {
  GElf_Off offset = 0;
  GElf_Sym symbol{};
  const char* name =
      dwfl_module_addrinfo(module, lookup, &offset, &symbol, nullptr, nullptr, nullptr);
  if (name == nullptr) return;
  frame.symbol = demangled(without_version(name).c_str());
  frame.offset = offset + (frame.pc - lookup);
}

void add_line(StackFrame& frame, Dwfl_Module* module, std::uint64_t lookup) {
  Dwfl_Line* line = dwfl_module_getsrc(module, lookup);
  if (line == nullptr) return;
  const char* file = dwfl_lineinfo(line, nullptr, &frame.line, nullptr, nullptr, nullptr);
  if (file != nullptr) frame.file = file;
}

void add_build_id(StackFrame& frame, Dwfl_Module* module) {
  const unsigned char* bytes = nullptr;
  GElf_Addr address = 0;
  const int count = dwfl_module_build_id(module, &bytes, &address);
  if (count > 0) frame.build_id = hexadecimal(bytes, count);
}

// A file that holds what lies in memory at [start, end): for the vdso, which has none.
Result<Fd> copy_of_memory(StackSource& source, std::uint64_t start, std::uint64_t end) {
  if (end - start > kMostVdso) return failure(ErrorCode::kInvalid, "no vdso is that large");
  std::vector<std::byte> bytes(end - start);
  LLRUN_TRY(source.read(start, bytes));
  Fd file(::memfd_create("vdso", MFD_CLOEXEC));
  if (!file.valid()) return system_error("make a file for the vdso");
  LLRUN_TRY(write_all(file.get(), bytes));
  return file;
}

// Whether `file` begins with what lies at `start`: a file may have been replaced since it was
// mapped. The first bytes hold the program headers and mostly the build-id.
bool is_what_was_mapped(StackSource& source, std::uint64_t start, int file) {
  std::array<std::byte, 1024> mapped{};
  std::array<std::byte, 1024> stored{};
  return source.read(start, mapped) &&
         ::pread(file, stored.data(), stored.size(), 0) == static_cast<ssize_t>(stored.size()) &&
         mapped == stored;
}

}  // namespace

void Modules::DwflEnd::operator()(Dwfl* dwfl) const { dwfl_end(dwfl); }

Modules::Modules(StackSource& source) : source_(&source), dwfl_(dwfl_begin(&kCallbacks)) {}

Result<Modules> Modules::of(StackSource& source) {
  Modules modules(source);
  if (!modules.dwfl_) return failure(ErrorCode::kSystem, "begin with libdwfl");
  LLRUN_TRY_ASSIGN(modules.mappings_, source.mappings());
  modules.collect();
  dwfl_report_begin(modules.dwfl_.get());
  for (auto& [start, module] : modules.modules_) {
    modules.open(module);
    modules.report(module);
  }
  dwfl_report_end(modules.dwfl_.get(), nullptr, nullptr);
  return modules;
}

// A module begins where a file is mapped from its first byte and goes on as long as the name stays.
void Modules::collect() {
  Module* last = nullptr;
  for (const auto& mapping : mappings_) {
    if (!is_file(mapping.name) && mapping.name != "[vdso]") continue;
    if (last != nullptr && last->name == mapping.name && mapping.offset != 0) {
      last->end = mapping.end;
    } else if (mapping.offset == 0 || mapping.name == "[vdso]") {
      last = &modules_[mapping.start];
      *last = Module{mapping.name, mapping.start, mapping.end, {}};
    }
  }
}

void Modules::open(Module& module) {
  if (is_deleted(module.name)) return;
  auto file = is_file(module.name) ? source_->open(module.name)
                                   : copy_of_memory(*source_, module.start, module.end);
  if (file && is_what_was_mapped(*source_, module.start, file->get()))
    module.file = std::move(*file);
}

void Modules::report(const Module& module) {
  if (!module.file.valid()) return;
  const auto view = view_elf(module.start, [this](auto at, auto into) { return read(at, into); });
  auto file = module.file.duplicate();
  if (!view || !file) return;
  // libdwfl takes the descriptor, unless it fails.
  if (dwfl_report_elf(dwfl_.get(), module.name.c_str(), module.name.c_str(), file->get(),
                      view->bias, true) != nullptr)
    (void)file->release();
}

const SourceMapping* Modules::mapping_at(std::uint64_t address) const {
  const auto after = std::ranges::upper_bound(mappings_, address, {}, &SourceMapping::start);
  if (after == mappings_.begin()) return nullptr;
  const auto& mapping = *std::prev(after);
  return address < mapping.end ? &mapping : nullptr;
}

const Module* Modules::at(std::uint64_t pc) const {
  const auto after = modules_.upper_bound(pc);
  if (after == modules_.begin()) return nullptr;
  const auto& module = std::prev(after)->second;
  return pc < module.end ? &module : nullptr;
}

bool Modules::read_file(const SourceMapping& mapping, std::uint64_t address,
                        std::span<std::byte> into) const {
  const Module* module = at(address);
  if (module == nullptr || !module->file.valid() || !is_file(mapping.name)) return false;
  if (mapping.writable || mapping.end - address < into.size()) return false;
  const auto offset = static_cast<off_t>(address - mapping.start + mapping.offset);
  return ::pread(module->file.get(), into.data(), into.size(), offset) ==
         static_cast<ssize_t>(into.size());
}

Result<> Modules::read(std::uint64_t address, std::span<std::byte> into) const {
  const auto* mapping = mapping_at(address);
  if (mapping == nullptr) return system_error("read memory of the program", EFAULT);
  if (read_file(*mapping, address, into)) return {};
  return source_->read(address, into);
}

std::optional<UnwindTable> Modules::unwind_table(const Module& module) const {
  const auto reader = [this](auto at, auto into) { return read(at, into); };
  const auto view = view_elf(module.start, reader);
  const auto* found = view ? view->find(PT_GNU_EH_FRAME) : nullptr;
  if (found == nullptr) return std::nullopt;
  const std::uint64_t header = view->bias + found->p_vaddr;
  std::array<std::uint8_t, 4> kinds{};  // version, encodings of: frame pointer, count, table
  if (!read(header, std::as_writable_bytes(std::span(kinds)))) return std::nullopt;
  constexpr std::uint8_t kSortedTable =
      0x3b;  // data-relative, signed 32 bits: what every linker writes
  if (kinds[0] != 1 || kinds[3] != kSortedTable) return std::nullopt;
  std::uint64_t next = header + kinds.size();
  if (!read_encoded(next, kinds[1], header, reader)) return std::nullopt;
  const auto count = read_encoded(next, kinds[2], header, reader);
  if (!count) return std::nullopt;
  return UnwindTable{header, next, *count};
}

void Modules::describe(StackFrame& frame, std::uint64_t lookup) const {
  if (const Module* module = at(lookup)) frame.module = module->name;
  Dwfl_Module* module = dwfl_addrmodule(dwfl_.get(), lookup);
  if (module == nullptr) return;
  add_symbol(frame, module, lookup);
  add_line(frame, module, lookup);
  add_build_id(frame, module);
}

}  // namespace llrun::tracer
