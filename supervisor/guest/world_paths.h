// Which paths of a guest are its world's own, and which are home's to judge.
//
// A world has /proc and /dev of its own (docs/world.md); everything else is home's tree, and only
// home may look there. So this looks at no file: it reads the path component by component, as far
// as it stays in /proc or /dev, where each symbolic link is known. What leads out of there again
// (/proc/self/cwd/x, /proc/self/fd/3/x, "..") is home's to judge from where it came out.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace llrun {

struct Leads {
  enum class To {
    kWorld,       // the world's own, or no file at all: the guest's kernel says what
    kDescriptor,  // a descriptor opened anew, or what it would give: it may be home's
    kNamespace,
    kHome,  // home says what `path` is, from `base`
  };
  To to = To::kWorld;
  std::string base, path;
};

// What a magic link of the guest's ("cwd", "fd/3") leads to. None: it has no such.
using MagicLink = std::function<std::optional<std::string>(const std::string& name)>;

// `base`: the directory a relative `path` starts from, by its name in the world.
[[nodiscard]] Leads where_it_leads(const std::string& base, const std::string& path,
                                   const MagicLink& link);

}  // namespace llrun
