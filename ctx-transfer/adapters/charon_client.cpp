#include "ctx-transfer/adapters/charon_client.h"

#include <openssl/crypto.h>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <deque>
#include <map>
#include <optional>

#include "ctx-transfer/plugin_codec.h"

namespace hasync::ctx {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// Frames hold keys.
void wipe(std::string& bytes) {
  OPENSSL_cleanse(bytes.data(), bytes.size());
  bytes.clear();
}

Error system_error(const char* what, const error_code& code) {
  return {Errc::System, std::string(what) + ": " + code.message()};
}

}  // namespace

struct CharonClient::State : std::enable_shared_from_this<State> {
  State(asio::io_context& context, Handlers h) : io(context), socket(context), handlers(std::move(h)) {}

  void ask(const Request& request, ReplyHandler handler) {
    auto frame = encode_request(next_id, request);
    if (!frame || !open) {
      Error error = frame ? Error{Errc::System, "charon plugin: not connected"} : frame.error();
      asio::post(io, [handler = std::move(handler), error = std::move(error)] { handler(error); });
      return;
    }
    waiting.emplace(next_id++, std::move(handler));
    queue.push_back(std::move(*frame));
    if (queue.size() == 1) write();
  }

  void write() {
    asio::async_write(socket, asio::buffer(queue.front()), [self = shared_from_this()](error_code code, std::size_t) {
      wipe(self->queue.front());
      self->queue.pop_front();
      if (code) return self->fail(system_error("charon plugin", code));
      if (!self->queue.empty()) self->write();
    });
  }

  void read_header() {
    input.resize(kFrameHeader);
    asio::async_read(socket, asio::buffer(input), [self = shared_from_this()](error_code code, std::size_t) {
      if (code) return self->fail(system_error("charon plugin", code));
      auto size = decode_frame_header(self->input);
      if (!size) return self->fail(size.error());
      self->read_content(*size);
    });
  }

  void read_content(std::size_t size) {
    input.resize(size);
    asio::async_read(socket, asio::buffer(input), [self = shared_from_this()](error_code code, std::size_t) {
      if (code) return self->fail(system_error("charon plugin", code));
      auto message = decode_from_plugin(self->input);
      wipe(self->input);
      if (!message) return self->fail(message.error());
      self->deliver(std::move(*message));
      if (self->open) self->read_header();
    });
  }

  void deliver(FromPlugin message) {
    if (auto* event = std::get_if<Event>(&message)) {
      if (handlers.event) handlers.event(std::move(*event));
      return;
    }
    auto& reply = std::get<Reply>(message);
    const auto found = waiting.find(reply.id);
    if (found == waiting.end()) return fail(invalid("reply.id: of no request"));
    auto handler = std::move(found->second);
    waiting.erase(found);
    handler(std::move(reply));
  }

  // Tells everybody who waits, once. Also called when the client is destroyed, then without a word.
  void fail(const Error& error) {
    if (!open) return;
    open = false;
    error_code ignored;
    socket.close(ignored);
    auto handler_of = std::exchange(waiting, {});
    for (auto& [id, handler] : handler_of) handler(error);
    if (handlers.closed) handlers.closed(error);
  }

  void abandon() {
    handlers = {};
    waiting.clear();
    open = false;
    error_code ignored;
    socket.close(ignored);
  }

  asio::io_context& io;
  asio::local::stream_protocol::socket socket;
  Handlers handlers;
  bool open = true;
  std::uint64_t next_id = 1;
  std::map<std::uint64_t, ReplyHandler> waiting;
  std::deque<std::string> queue;
  std::string input;
};

CharonClient::CharonClient(std::shared_ptr<State> state) : state_(std::move(state)) {}

CharonClient::~CharonClient() { state_->abandon(); }

Result<std::unique_ptr<CharonClient>> CharonClient::connect(asio::io_context& io, const std::string& path,
                                                            Handlers handlers) {
  if (path.size() >= sizeof(sockaddr_un::sun_path)) return invalid("charon socket: path is too long");
  auto state = std::make_shared<State>(io, std::move(handlers));
  error_code code;
  state->socket.connect(asio::local::stream_protocol::endpoint(path), code);
  if (code) return system_error(path.c_str(), code);
  state->read_header();
  return std::unique_ptr<CharonClient>(new CharonClient(std::move(state)));
}

void CharonClient::ask(const Request& request, ReplyHandler handler) { state_->ask(request, std::move(handler)); }

Result<Reply> CharonClient::ask_and_wait(const Request& request) {
  std::optional<Result<Reply>> result;
  ask(request, [&](Result<Reply> reply) { result = std::move(reply); });
  while (!result) {
    if (state_->io.stopped()) state_->io.restart();
    if (state_->io.run_one() == 0) return Error{Errc::System, "charon plugin: nothing left to wait for"};
  }
  if (*result && (*result)->refusal) return to_error(*(*result)->refusal);
  return std::move(*result);
}

Error to_error(const Refusal& refusal) {
  switch (refusal.code) {
    case PluginErrc::BadRequest:
      return {Errc::Invalid, refusal.text};
    case PluginErrc::Unsupported:
      return {Errc::Unsupported, refusal.text};
    case PluginErrc::NotFound:
    case PluginErrc::NoConfig:
      return {Errc::NotFound, refusal.text};
    case PluginErrc::KeysUnknown:
    case PluginErrc::Busy:
      return {Errc::Busy, refusal.text};
    case PluginErrc::Conflict:
      return {Errc::Conflict, refusal.text};
    case PluginErrc::InstallFailed:
      return {Errc::System, refusal.text};
  }
  return {Errc::System, refusal.text};
}

}  // namespace hasync::ctx
