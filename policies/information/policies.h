// The built-in information policies, one file each.
#pragma once

#include <memory>

#include "policies/information/information.h"

namespace llrun::policies {

[[nodiscard]] std::unique_ptr<InformationPolicy> make_direct(const InformationOptions& options);
[[nodiscard]] std::unique_ptr<InformationPolicy> make_master(const InformationOptions& options);
[[nodiscard]] std::unique_ptr<InformationPolicy> make_gossip(const InformationOptions& options);

}  // namespace llrun::policies
