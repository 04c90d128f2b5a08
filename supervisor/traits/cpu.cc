#include "supervisor/traits/cpu.h"

#include <cpuid.h>
#include <gelf.h>
#include <libelf.h>
#include <sys/auxv.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <sstream>

#include "base/fd.h"

namespace llrun::traits {
namespace {

constexpr auto kKernelFlags = std::to_array<std::string_view>({
    // virtual machines
    "hypervisor",
    "vmx",
    "svm",
    "ept",
    "vpid",
    "ept_ad",
    "tpr_shadow",
    "flexpriority",
    "vnmi",
    "npt",
    "lbrv",
    "svm_lock",
    "nrip_save",
    "tsc_scale",
    "vmcb_clean",
    "flushbyasid",
    "decodeassists",
    "pausefilter",
    "pfthreshold",
    "avic",
    "v_vmsave_vmload",
    "vgif",
    "vmmcall",
    "v_spec_ctrl",
    // faults of CPUs and what the kernel does about them
    "ibrs",
    "ibpb",
    "stibp",
    "ibrs_enhanced",
    "ssbd",
    "virt_ssbd",
    "md_clear",
    "flush_l1d",
    "arch_capabilities",
    "pti",
    "retpoline",
    "tsx_force_abort",
    "srbds_ctrl",
    "rrsba_ctrl",
    "bhi_ctrl",
    "overflow_recov",
    "succor",
    "mce",
    "mca",
    "smca",
    "amd_ibpb_ret",
    "ibpb_exit_to_user",
    // paging, protection and interrupts of the kernel
    "vme",
    "pse",
    "pse36",
    "pae",
    "pge",
    "mtrr",
    "pat",
    "msr",
    "apic",
    "extapic",
    "x2apic",
    "pcid",
    "invpcid",
    "smep",
    "smap",
    "pdpe1gb",
    "la57",
    "dca",
    "xtpr",
    "de",
    "cr8_legacy",
    "nx",
    "tsc_deadline_timer",
    "tsc_adjust",
    "tsc_known_freq",
    "constant_tsc",
    "nonstop_tsc",
    "nonstop_tsc_s3",
    "tsc_reliable",
    "rep_good",
    "nopl",
    "xtopology",
    "cpuid",
    "extd_apicid",
    "xsaves",
    "xsavec",
    "xsaveopt",
    "invlpgb",
    "tlbsync",
    "idle",
    // measuring, debugging, power, temperature, caches
    "arch_perfmon",
    "pebs",
    "bts",
    "dtes64",
    "ds_cpl",
    "dts",
    "pdcm",
    "sdbg",
    "intel_pt",
    "arch_lbr",
    "perfctr_core",
    "perfctr_nb",
    "perfctr_llc",
    "ibs",
    "bpext",
    "topoext",
    "aperfmperf",
    "acpi",
    "est",
    "tm",
    "tm2",
    "ida",
    "arat",
    "pln",
    "pts",
    "pbe",
    "dtherm",
    "hfi",
    "hw_pstate",
    "cpb",
    "epb",
    "hwp",
    "hwp_notify",
    "hwp_act_window",
    "hwp_epp",
    "hwp_pkg_req",
    "monitor",
    "mwaitx",
    "cqm",
    "cqm_llc",
    "cqm_occup_llc",
    "cqm_mbm_total",
    "cqm_mbm_local",
    "rdt_a",
    "cat_l2",
    "cat_l3",
    "cdp_l2",
    "cdp_l3",
    "mba",
    "proc_feedback",
    "irperf",
    "rapl",
    "skinit",
    "wdt",
    "lwp",
    "tce",
    "nodeid_msr",
    "ht",
    "ss",
    "smx",
    "osvw",
    "cmp_legacy",
    "split_lock_detect",
    "bus_lock_detect",
});

std::string_view value_of(std::string_view line) {
  const auto colon = line.find(": ");
  return colon == std::string_view::npos ? std::string_view() : line.substr(colon + 2);
}

std::uint64_t read_xcr0() {
  std::uint32_t low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return std::uint64_t{high} << 32 | low;
}

struct ElfEnd {
  void operator()(Elf* elf) const { elf_end(elf); }
};
using ElfHandle = std::unique_ptr<Elf, ElfEnd>;

ElfHandle open_elf(std::span<const std::byte> image) {
  elf_version(EV_CURRENT);
  // libelf does not write to the image unless it is asked to update it.
  char* bytes = const_cast<char*>(reinterpret_cast<const char*>(image.data()));
  ElfHandle elf(elf_memory(bytes, image.size()));
  return elf && elf_kind(elf.get()) == ELF_K_ELF ? std::move(elf) : nullptr;
}

bool has_symbol(Elf* elf, std::string_view wanted) {
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf, section)) != nullptr;) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr || header.sh_type != SHT_DYNSYM) continue;
    Elf_Data* data = elf_getdata(section, nullptr);
    for (int i = 0; data != nullptr; ++i) {
      GElf_Sym symbol;
      if (gelf_getsym(data, i, &symbol) == nullptr) break;
      const char* name = elf_strptr(elf, header.sh_link, symbol.st_name);
      if (name != nullptr && wanted == name) return true;
    }
  }
  return false;
}

}  // namespace

CpuInfo parse_cpuinfo(std::string_view text) {
  CpuInfo info;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line) && !line.empty();) {
    if (line.starts_with("vendor_id\t")) info.vendor = value_of(line);
    if (!line.starts_with("flags\t")) continue;
    std::istringstream words{std::string(value_of(line))};
    for (std::string flag; words >> flag;) info.flags.push_back(flag);
  }
  return info;
}

bool matters_to_programs(std::string_view flag) {
  return std::ranges::find(kKernelFlags, flag) == kKernelFlags.end();
}

ExtendedState extended_state() {
  std::uint32_t a = 0, b = 0, c = 0, d = 0;
  constexpr std::uint32_t kXsaveInUse = 1U << 27;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & kXsaveInUse) == 0) return {};
  const std::uint64_t components = read_xcr0();
  __cpuid_count(0xD, 0, a, b, c, d);
  return {components, b};
}

std::span<const std::byte> own_vdso() {
  const auto start = ::getauxval(AT_SYSINFO_EHDR);
  const auto maps = read_whole_file("/proc/self/maps");
  if (start == 0 || !maps) return {};
  std::istringstream lines(*maps);
  for (std::string line; std::getline(lines, line);) {
    if (!line.ends_with("[vdso]")) continue;
    const auto dash = line.find('-');
    const auto end = std::stoull(line.substr(dash + 1), nullptr, 16);
    return {reinterpret_cast<const std::byte*>(start), static_cast<std::size_t>(end - start)};
  }
  return {};
}

Result<std::string> vdso_hash(std::span<const std::byte> vdso) {
  const auto elf = open_elf(vdso);
  if (!elf) return failure(ErrorCode::kUnsupported, "read the vdso: it is not an ELF image");
  for (const char* symbol : {"__vdso_clock_gettime", "__vdso_gettimeofday", "__vdso_getcpu"})
    if (!has_symbol(elf.get(), symbol))
      return failure(ErrorCode::kUnsupported,
                     std::string("read the vdso: it has no symbol ") + symbol);
  XXH128_canonical_t digest;
  XXH128_canonicalFromHash(&digest, XXH3_128bits(vdso.data(), vdso.size()));
  return std::string(reinterpret_cast<const char*>(digest.digest), sizeof digest.digest);
}

}  // namespace llrun::traits
