// The client's end of the charon plugin's socket: requests with their replies, and events. One io_context, no threads;
// reconnecting is the caller's business. After `closed` nothing is called back any more.
//
//   auto client = CharonClient::connect(io, "/run/charon.hasync", {.event = ..., .closed = ...});
//   (*client)->ask(Get{id}, [](Result<Reply> reply) { ... });   // the reply may still be a refusal
//
// Blocking use: ask, then io.run_one() until the callback was called; ask_and_wait does that.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "ctx-transfer/plugin_messages.h"

namespace hasync::ctx {

inline constexpr const char* kCharonSocket = "/run/charon.hasync";

class CharonClient {
 public:
  struct Handlers {
    std::function<void(Event)> event;
    std::function<void(Error)> closed;  // the plugin went away, or sent what cannot be understood
  };
  using ReplyHandler = std::function<void(Result<Reply>)>;

  static Result<std::unique_ptr<CharonClient>> connect(boost::asio::io_context& io, const std::string& path,
                                                       Handlers handlers);
  ~CharonClient();
  CharonClient(const CharonClient&) = delete;
  CharonClient& operator=(const CharonClient&) = delete;

  // Requests are carried out in their order. An error is given to the handler if the request cannot be sent, or if the
  // connection is lost before the reply has come; the handler is never called from within ask().
  void ask(const Request& request, ReplyHandler handler);

  // Runs the io_context until the reply is there. Events are handed over meanwhile. A refusal becomes an Error.
  Result<Reply> ask_and_wait(const Request& request);

 private:
  struct State;
  explicit CharonClient(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

// A refusal as an Error, for callers that have nothing particular to do about it.
Error to_error(const Refusal& refusal);

}  // namespace hasync::ctx
