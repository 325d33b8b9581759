// One request to hasyncd, or vped, over its control socket, and the reply, or the stream that follows it.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/result.h"

namespace hasync::haipsec {

struct Connection;

// Several requests on one connection. As ask().
class Conversation {
 public:
  static Result<Conversation> begin(const std::string& socket, std::chrono::seconds limit);
  Conversation(Conversation&&) noexcept;
  Conversation& operator=(Conversation&&) = delete;
  ~Conversation();
  Result<nlohmann::ordered_json> ask(const nlohmann::ordered_json& request);

 private:
  explicit Conversation(std::unique_ptr<Connection> connection);
  std::unique_ptr<Connection> connection_;
};

// Blocks, with a limit. NotFound: nobody answers at `socket`. System, Invalid: it broke off or spoke
// nonsense. A refusal is no error here but a reply with "ok": false.
Result<nlohmann::ordered_json> ask(const std::string& socket, const nlohmann::ordered_json& request,
                                   std::chrono::seconds limit, const std::string& who = "hasyncd");

// Each object of the stream, as it comes, until the user interrupts, or nobody reads standard output any
// more: then the first reply. A stream that breaks off is an error; a refusal comes as above.
Result<nlohmann::ordered_json> follow(const std::string& socket, const nlohmann::ordered_json& request,
                                      const std::function<void(const nlohmann::ordered_json&)>& told);

}  // namespace hasync::haipsec
