// Findings: what is well, what is not, and what to do about it. Pure: facts in, findings out. Each thing that
// is looked at has a stable id (docs/check.md) and is told of in any case, well or not.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "haipsec/check/facts.h"

namespace hasync::haipsec {

enum class Level { Ok, Warning, Error };  // ascending
std::string to_string(Level level);       // "ok", "warning", "error"

struct Finding {
  Level level = Level::Ok;
  std::string id;
  std::string what;
  std::string remedy;  // empty where all is well
  bool operator==(const Finding&) const = default;
};

std::vector<Finding> findings(const Facts& facts);
Level worst_of(const std::vector<Finding>& findings);

std::set<bool> families_of(const std::vector<clusterip::Vip>& vips);  // true: IPv4

// Collects them. `ok` counts only where nothing worse was said of this id.
class Report {
 public:
  void error(const std::string& id, const std::string& what, const std::string& remedy);
  void warning(const std::string& id, const std::string& what, const std::string& remedy);
  void ok(const std::string& id, const std::string& what);
  std::vector<Finding> take() { return std::move(findings_); }

 private:
  std::vector<Finding> findings_;
};

void check_machine(const MachineFacts& machine, const std::string& version, Report& report);
void check_cluster(const ClusterFacts& cluster, const std::string& version, Report& report);
void check_paths(const Facts& facts, Report& report);  // needs both

}  // namespace hasync::haipsec
