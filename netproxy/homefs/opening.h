// What opening files and opening directories have in common.
#pragma once

#include <optional>

#include "netproxy/homefs/home_view.h"

namespace llrun::homefs {

struct ArmedDescription {
  DescriptionRef description;
  ArmedName name;
};
// The description that was armed for this open, now attached to `inode`.
[[nodiscard]] std::optional<ArmedDescription> open_armed_description(HomeView& view,
                                                                     const InodeRef& inode,
                                                                     int flags);
// After an armed open: where the name gives another file or none, tell the peer's kernel that it is
// deleted.
void make_name_disappear(HomeView& view, const ArmedName& armed, const Inode& inode);
// The last guest descriptor has closed.
void release_description(HomeView& view, DescriptionId id);

}  // namespace llrun::homefs
