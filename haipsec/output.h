// How a command ends: its exit code and what it prints, as text or as one JSON object.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/result.h"

namespace hasync::haipsec {

// Wrong usage is 2 (base/adapters/command_line.h).
enum ExitCode : int { kOk = 0, kRefused = 1, kUnreachable = 3, kWarnings = 4, kErrors = 5 };

ExitCode exit_code_of(const Error& asking);  // when asking hasyncd came to nothing

class Output {
 public:
  explicit Output(bool json) : json_(json) {}
  // A long list, written as it comes: the rest of the object, with `ok`, follows it.
  void list(const std::string& name, const nlohmann::ordered_json& more, const std::string& text);
  int success(const nlohmann::ordered_json& reply, const std::string& text) const;
  int failure(const Error& error, ExitCode code = kRefused) const;
  // "ok": false from hasyncd.
  int refusal(const nlohmann::ordered_json& reply) const;

 private:
  void write(const nlohmann::ordered_json& object) const;

  bool json_;
  bool listing_ = false;  // an object with a list is begun
  bool listed_ = false;   // which has something in it
};

}  // namespace hasync::haipsec
