// llrunsim: what strategies do to programs, without a cluster.
#include "tools/llrunsim.h"

#include <cstdio>
#include <functional>
#include <map>

namespace llrun::llrunsim {

namespace {

int complain(const Error& error) {
  std::fprintf(stderr, "llrunsim: %s\n", error.message().c_str());
  return error.code == ErrorCode::kInvalid ? kUsage : 1;
}

int run(int argc, char** argv) {
  const auto request = parse_command_line(argc, argv);
  if (!request) return complain(request.error());
  if (request->verb == "help") {
    std::fputs(usage().c_str(), stdout);
    return 0;
  }
  static const std::map<std::string, std::function<Result<int>(const Request&)>> verbs{
      {"compare", run_compare},
      {"sweep", run_sweep},
      {"validate", run_validate},
      {"information", run_information},
      {"list", run_list}};
  const auto verb = verbs.find(request->verb);
  if (verb == verbs.end())
    return complain({ErrorCode::kInvalid, 0,
                     "there is no verb " + request->verb + "; llrunsim --help lists them"});
  const auto status = verb->second(*request);
  return status ? *status : complain(status.error());
}

}  // namespace

}  // namespace llrun::llrunsim

int main(int argc, char** argv) { return llrun::llrunsim::run(argc, argv); }
