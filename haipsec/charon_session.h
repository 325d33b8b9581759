// Requests to charon's plugin, one after the other, each waited for.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>

#include "base/result.h"
#include "ctx-transfer/adapters/charon_client.h"

namespace hasync::haipsec {

class CharonSession {
 public:
  // NotFound: nobody answers at `socket`.
  static Result<std::unique_ptr<CharonSession>> open(const std::string& socket);

  Result<ctx::CharonSetup> setup();
  Result<std::vector<ctx::SaSummary>> list();
  Result<ctx::CharonReply> get(SaId sa);
  Result<ctx::CharonReply> put(const Secret& context);  // to answer for it
  Result<ctx::CharonReply> release(SaId sa);
  std::chrono::microseconds last_took() const { return took_; }  // from request to reply

 private:
  CharonSession() = default;
  Result<ctx::CharonReply> wait(const std::function<void(ctx::CharonClient::Answer)>& request);

  boost::asio::io_context io_{1};
  std::unique_ptr<ctx::CharonClient> client_;
  std::chrono::microseconds took_{};
};

}  // namespace hasync::haipsec
