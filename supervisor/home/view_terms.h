// On which terms a peer gets the user's files while a program of his is there.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/ids.h"
#include "netproxy/homefs/file_uses.h"
#include "netproxy/homefs/kept_back.h"
#include "supervisor/config/config.h"
#include "supervisor/home/path_walk.h"

namespace llrun {

struct ViewTerms {
  std::shared_ptr<const homefs::KeptBack> kept_back;
  std::shared_ptr<homefs::FileUses> uses;
};

// Home's own /proc is never given out: a world has one of its own, so no guest of ours comes there.
[[nodiscard]] homefs::KeptBack::Rules rules_of(const config::KeptFiles& kept);

// Why the program may not go to `node` with what it has open or mapped: a file that is kept back
// from there. By links of /proc alone: no filesystem of the file's is asked.
[[nodiscard]] std::optional<std::string> why_not_with_its_files(HostPid program,
                                                                const homefs::KeptBack& kept_back);

// Of a file that a guest wants to use: why it has to do that at home. Empty: it need not. That
// there is none, and the names in a directory, everybody is told.
[[nodiscard]] std::string why_at_home(const homefs::KeptBack& kept_back, const PathEnd& file,
                                      homefs::KeptBack::Use use);

// What `llrunctl files` prints.
struct FilesText {
  std::string text, json;
};
[[nodiscard]] FilesText text_of(const homefs::FileUses& uses);

}  // namespace llrun
