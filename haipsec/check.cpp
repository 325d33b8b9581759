#include "haipsec/check.h"

#include <algorithm>

#include "haipsec/check/findings.h"
#include "haipsec/check/gather.h"
#include "haipsec/tables.h"
#include "haipsec/terminal.h"

namespace hasync::haipsec {
namespace {

using nlohmann::ordered_json;

ordered_json json_of(const std::vector<Finding>& findings) {
  ordered_json out = {
      {"ok", true}, {"level", to_string(worst_of(findings))}, {"findings", ordered_json::array()}};
  for (const Finding& finding : findings) {
    out["findings"].push_back(ordered_json{{"level", to_string(finding.level)},
                                           {"id", finding.id},
                                           {"what", finding.what},
                                           {"do", finding.remedy}});
  }
  return out;
}

std::string count(const std::vector<Finding>& findings, Level level, const std::string& name) {
  const auto n = std::ranges::count(findings, level, &Finding::level);
  return std::to_string(n) + " " + name + (n == 1 ? "" : "s");
}

std::string summary(const std::vector<Finding>& findings) {
  if (worst_of(findings) == Level::Ok) return "all well\n";
  return count(findings, Level::Error, "error") + ", " + count(findings, Level::Warning, "warning") + "\n";
}

ExitCode code_of(Level level) {
  if (level == Level::Ok) return kOk;
  return level == Level::Warning ? kWarnings : kErrors;
}

}  // namespace

int check(const Options& options) {
  const std::vector<Finding> found = findings(gather(options));
  const ordered_json json = json_of(found);
  Output(options.json).success(json, findings_text(json, output_look()) + summary(found));
  return code_of(worst_of(found));
}

}  // namespace hasync::haipsec
