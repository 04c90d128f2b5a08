// Modules: the ELF files a program consists of, where they lie in its memory, and what they say
// about an address.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "tracer/stacks/stack_source.h"
#include "tracer/stacks/stacks.h"

typedef struct Dwfl Dwfl;

namespace llrun::tracer {

// One ELF file (or the vdso) as it is mapped.
struct Module {
  std::string name;
  std::uint64_t start = 0;  // of the mapping that holds the ELF header
  std::uint64_t end = 0;    // of its last mapping
  Fd file;                  // invalid: not to be had, or not the file that was mapped
};

// The table that finds unwind information for a program counter (.eh_frame_hdr, LSB Core 10.6.2).
struct UnwindTable {
  std::uint64_t header = 0;  // address of .eh_frame_hdr
  std::uint64_t entries = 0;
  std::uint64_t count = 0;
};

class Modules {
 public:
  [[nodiscard]] static Result<Modules> of(StackSource& source);

  // Memory of the program; what cannot have changed comes from the files, which are nearer.
  [[nodiscard]] Result<> read(std::uint64_t address, std::span<std::byte> into) const;

  [[nodiscard]] const Module* at(std::uint64_t pc) const;
  [[nodiscard]] std::optional<UnwindTable> unwind_table(const Module& module) const;

  // Fill in everything but the program counter. `lookup` is the address to be looked up: a return
  // address belongs to the call before it.
  void describe(StackFrame& frame, std::uint64_t lookup) const;

 private:
  struct DwflEnd {
    void operator()(Dwfl* dwfl) const;
  };
  explicit Modules(StackSource& source);
  void collect();
  void open(Module& module);
  void report(const Module& module);
  [[nodiscard]] const SourceMapping* mapping_at(std::uint64_t address) const;
  [[nodiscard]] bool read_file(const SourceMapping& mapping, std::uint64_t address,
                               std::span<std::byte> into) const;

  StackSource* source_;
  std::vector<SourceMapping> mappings_;
  std::map<std::uint64_t, Module> modules_;  // by start
  std::unique_ptr<Dwfl, DwflEnd> dwfl_;
};

}  // namespace llrun::tracer
