#include <cstdio>
#include <nlohmann/json.hpp>

#include "tools/ctl/leftovers.h"
#include "tools/ctl/verb.h"

namespace llrun::ctl {

// `done`: "left over", "removed" or "not removed".
void print(const Session& session, const leftovers::Leftover& leftover, const char* done,
           const std::string& trouble) {
  if (session.json) {
    const nlohmann::ordered_json object{{"schema", kSchema},
                                        {"leftover", leftover.kind},
                                        {"what", leftover.what},
                                        {"state", done},
                                        {"trouble", trouble}};
    std::puts(
        object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace).c_str());
    return;
  }
  std::printf("%s: %s\n", done, leftover.what.c_str());
  if (!trouble.empty()) std::printf("    %s\n", trouble.c_str());
}

namespace {

int run(Session& session, const std::vector<std::string>&) {
  const auto found = leftovers::find();
  bool all = true;
  for (const auto& leftover : found) {
    const auto removed = leftover.remove();
    all &= removed.has_value();
    print(session, leftover, removed ? "removed" : "not removed",
          removed ? std::string() : removed.error().message());
  }
  if (found.empty() && !session.json) std::puts("nothing is left over");
  return all ? kDone : kRefused;
}

}  // namespace

const Verb kCleanup{"cleanup", "", "remove what crashes have left, and nothing else", "", 0,
                    0,         run};

}  // namespace llrun::ctl
