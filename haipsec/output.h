// How a command ends: its exit code and what it prints, as text or as one JSON object.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/result.h"

namespace hasync::haipsec {

enum ExitCode : int { kOk = 0, kRefused = 1, kUsage = 2, kUnreachable = 3, kWarnings = 4, kErrors = 5 };

ExitCode exit_code_of(const Error& asking);  // when asking hasyncd came to nothing

class Output {
 public:
  explicit Output(bool json) : json_(json) {}
  int success(const nlohmann::ordered_json& reply, const std::string& text) const;
  int failure(const Error& error, ExitCode code = kRefused) const;
  // "ok": false from hasyncd.
  int refusal(const nlohmann::ordered_json& reply) const;

 private:
  bool json_;
};

}  // namespace hasync::haipsec
