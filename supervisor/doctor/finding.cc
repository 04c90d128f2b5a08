#include "supervisor/doctor/finding.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace llrun::doctor {
namespace {

const char* name_of(Finding::Level level) {
  switch (level) {
    case Finding::Level::kOk:
      return "ok";
    case Finding::Level::kNote:
      return "note";
    case Finding::Level::kMissing:
      break;
  }
  return "missing";
}

}  // namespace

Finding ok(std::string about, std::string what) {
  return {Finding::Level::kOk, std::move(about), std::move(what), {}, {}};
}

Finding note(std::string about, std::string what, std::string lost, std::string remedy) {
  return {Finding::Level::kNote, std::move(about), std::move(what), std::move(lost),
          std::move(remedy)};
}

Finding missing(std::string about, std::string what, std::string lost, std::string remedy) {
  return {Finding::Level::kMissing, std::move(about), std::move(what), std::move(lost),
          std::move(remedy)};
}

std::string json_of(const Finding& finding) {
  const nlohmann::ordered_json object{{"schema", 1},
                                      {"finding", name_of(finding.level)},
                                      {"about", finding.about},
                                      {"what", finding.what},
                                      {"lost", finding.lost},
                                      {"remedy", finding.remedy}};
  return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace llrun::doctor
