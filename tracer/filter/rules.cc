#include "tracer/filter/rules.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <span>
#include <utility>
#include <vector>

#include "base/fd.h"

namespace llrun {
namespace {

// libseccomp returns negative errno values.
Result<> checked(int result, const char* attempted) {
  if (result < 0) return system_error(attempted, -result);
  return {};
}

scmp_arg_cmp comparison(const Condition& condition) {
  return {condition.arg, SCMP_CMP_MASKED_EQ, condition.mask, condition.value};
}

Result<BpfProgram> read_program(int file) {
  struct stat status {};
  if (::fstat(file, &status) != 0) return system_error("look at the exported filter");
  BpfProgram program(static_cast<std::size_t>(status.st_size) / sizeof(sock_filter));
  if (::lseek(file, 0, SEEK_SET) != 0) return system_error("rewind the exported filter");
  LLRUN_TRY(read_all(file, std::as_writable_bytes(std::span(program))));
  return program;
}

}  // namespace

Result<Rules> Rules::create(std::uint32_t otherwise) {
  Rules rules(seccomp_init(otherwise));
  if (rules.context_ == nullptr)
    return failure(ErrorCode::kUnsupported,
                   "make a seccomp filter: this kernel or libseccomp has no user notification");
  LLRUN_TRY(checked(seccomp_attr_set(rules.context_, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_NOTIFY),
                    "set the filter's action for foreign entries"));
  // A binary tree over the numbers instead of a list.
  LLRUN_TRY(checked(seccomp_attr_set(rules.context_, SCMP_FLTATR_CTL_OPTIMIZE, 2),
                    "set the filter's optimisation"));
  return rules;
}

Rules::Rules(Rules&& other) noexcept : context_(std::exchange(other.context_, nullptr)) {}

Rules::~Rules() {
  if (context_ != nullptr) seccomp_release(context_);
}

Result<> Rules::add(std::uint32_t action, std::uint32_t number, const Conjunction& when) {
  std::vector<scmp_arg_cmp> comparisons;
  for (const auto& condition : when) comparisons.push_back(comparison(condition));
  const int result =
      seccomp_rule_add_array(context_, action, static_cast<int>(number),
                             static_cast<unsigned>(comparisons.size()), comparisons.data());
  if (result == -EEXIST) return {};  // one descriptor may be at home for two reasons
  return checked(result, "add a rule to the filter");
}

// 2.5.4 can export to a file only.
Result<BpfProgram> Rules::compile() const {
  const Fd file(::memfd_create("filter", MFD_CLOEXEC));
  if (!file.valid()) return system_error("make a file for the filter");
  LLRUN_TRY(checked(seccomp_export_bpf(context_, file.get()), "compile the filter"));
  return read_program(file.get());
}

}  // namespace llrun
