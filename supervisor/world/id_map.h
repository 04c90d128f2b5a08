// IdMap: which user or group of the world is which of this node (user_namespaces(7)).
//
// The guest's own id is this node's user. All others, 0 to 65535, are subordinate ids of that user
// where the node's owner has given enough (subuid(5)); otherwise they do not exist in the world.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

namespace llrun::world {

struct IdExtent {
  std::uint32_t inside = 0, outside = 0, count = 0;
  friend auto operator<=>(const IdExtent&, const IdExtent&) = default;
};

struct SubordinateRange {
  std::uint32_t first = 0, count = 0;
};

// The ranges that a file of the form of /etc/subuid gives to this user, by name or number.
[[nodiscard]] std::vector<SubordinateRange> parse_subordinate(std::string_view text,
                                                              std::string_view user_name,
                                                              std::uint32_t uid);

// own_inside is own_outside; 0 to 65535 and `extra` are subordinate. Empty: there are not enough of
// them.
[[nodiscard]] std::vector<IdExtent> plan_all_ids(std::uint32_t own_inside,
                                                 std::uint32_t own_outside,
                                                 const std::vector<std::uint32_t>& extra,
                                                 const std::vector<SubordinateRange>& ranges);

struct IdRequest {
  std::uint32_t uid = 0, gid = 0;     // inside
  std::vector<std::uint32_t> groups;  // supplementary, inside
};

struct IdOutcome {
  bool all_users = false, all_groups = false;
  std::string warning;  // why not all, in words; empty where all are there
};

// Write the maps of a process that has just made its user namespace.
[[nodiscard]] Result<IdOutcome> write_id_maps(HostPid process, const IdRequest& request);

}  // namespace llrun::world
