#include "policies/information/information.h"

#include "policies/information/policies.h"

namespace llrun::policies {

namespace {
// Field tags and lengths of a report without its name; numbers as 32-bit floats.
constexpr std::size_t kReportBytes = 48;
constexpr std::size_t kMessageBytes = 12;
}  // namespace

std::size_t wire_bytes(const Message& message) {
  std::size_t bytes = kMessageBytes + message.from.size();
  for (const Report& report : message.reports) bytes += kReportBytes + report.node.name.size();
  return bytes;
}

Result<std::unique_ptr<InformationPolicy>> make_information_policy(
    std::string_view name, const InformationOptions& options) {
  if (name == "direct") return make_direct(options);
  if (name == "master") return make_master(options);
  if (name == "gossip") return make_gossip(options);
  return failure(ErrorCode::kInvalid, "there is no information policy " + std::string(name) +
                                          ": choose from direct, master, gossip");
}

}  // namespace llrun::policies
