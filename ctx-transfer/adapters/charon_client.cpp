#include "ctx-transfer/adapters/charon_client.h"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "base/address.h"
#include "base/bytes.h"
#include "base/overloaded.h"
#include "plugin.pb.h"

namespace hasync::ctx {

namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::size_t kMaxUnsent = 32U << 20U;

void put_sa(SaId sa, proto::SaId* out) {
  out->set_initiator_spi(sa.initiator_spi);
  out->set_responder_spi(sa.responder_spi);
}

template <typename Request>  // Put, SetState
void hold(Holding holding, Request* out) {
  out->set_state(holding == Holding::Passive ? proto::SA_STATE_PASSIVE : proto::SA_STATE_ACTIVE);
  out->set_may_be_behind(holding == Holding::ActiveBehind);
}

}  // namespace

struct CharonClient::State : std::enable_shared_from_this<CharonClient::State> {
  State(asio::io_context& io, Callbacks given) : socket(io), callbacks(std::move(given)) {}

  void request(proto::Request message, Answer answer);
  void write();
  void read_length();
  void read_body(std::size_t size);
  void take_frame();
  void handle(PluginReply reply);
  void handle(PluginEvent event);
  void end(const Error& error);

  asio::local::stream_protocol::socket socket;
  Callbacks callbacks;
  std::map<std::uint64_t, Answer> waiting;
  std::deque<std::string> unsent;
  std::size_t unsent_bytes = 0;
  std::uint64_t next_request = 0;
  std::uint64_t last_event = 0;
  std::array<std::uint8_t, kPluginLength> length{};
  std::string body;
  bool open = true;
};

Result<std::unique_ptr<CharonClient>> CharonClient::connect(asio::io_context& io,
                                                            const std::filesystem::path& socket,
                                                            Callbacks callbacks) {
  auto state = std::make_shared<State>(io, std::move(callbacks));
  error_code error;
  // A charon that hangs accepts nobody: then connect(2) would wait for ever, and this loop with it.
  state->socket.open(asio::local::stream_protocol(), error);
  if (!error) state->socket.native_non_blocking(true, error);
  if (!error) state->socket.connect(asio::local::stream_protocol::endpoint(socket.string()), error);
  if (error) {
    return Error{Errc::System, "charon's plugin socket " + socket.string() + ": " + error.message() +
                                   " (is charon running, with the hasync plugin loaded?)"};
  }
  state->read_length();
  return std::unique_ptr<CharonClient>(new CharonClient(std::move(state)));
}

CharonClient::~CharonClient() {
  state_->open = false;
  state_->callbacks = {};
  state_->waiting.clear();
  error_code ignored;
  state_->socket.close(ignored);
}

void CharonClient::State::end(const Error& error) {
  if (!open) return;
  open = false;
  error_code ignored;
  socket.close(ignored);
  const auto self = shared_from_this();  // a callback may destroy the client
  const auto unanswered = std::exchange(waiting, {});
  if (callbacks.lost) std::exchange(callbacks.lost, {})(error);
  for (const auto& [id, answer] : unanswered) answer(error);
}

void CharonClient::State::request(proto::Request message, Answer answer) {
  if (!open) return answer(Error{Errc::System, "charon's plugin socket is closed"});
  message.set_id(++next_request);
  const std::string bytes = message.SerializeAsString();
  if (bytes.size() > kMaxPluginFrame)
    return answer(invalid("request: " + std::to_string(bytes.size()) + " bytes are too many"));
  if (unsent_bytes + bytes.size() > kMaxUnsent) {
    const Error hangs{Errc::Busy,
                      std::to_string(unsent.size()) + " requests wait: charon does not read them"};
    answer(hangs);
    return end(hangs);
  }
  waiting.emplace(next_request, std::move(answer));
  std::string frame(kPluginLength, '\0');
  for (std::size_t i = 0; i < kPluginLength; ++i)
    frame[i] = static_cast<char>(bytes.size() >> (8 * (kPluginLength - 1 - i)));
  unsent_bytes += bytes.size();
  unsent.push_back(frame + bytes);
  if (unsent.size() == 1) write();
}

void CharonClient::State::write() {
  asio::async_write(socket, asio::buffer(unsent.front()),
                    [self = shared_from_this()](const error_code& error, std::size_t) {
                      if (!self->open) return;
                      if (error)
                        return self->end({Errc::System, "charon's plugin socket: " + error.message()});
                      self->unsent_bytes -= self->unsent.front().size() - kPluginLength;
                      self->unsent.pop_front();
                      if (!self->unsent.empty()) self->write();
                    });
}

void CharonClient::State::read_length() {
  asio::async_read(socket, asio::buffer(length),
                   [self = shared_from_this()](const error_code& error, std::size_t) {
                     if (!self->open) return;
                     if (error)
                       return self->end({Errc::System, "charon's plugin socket: " + error.message()});
                     const auto size = plugin_frame_size(self->length);
                     if (!size) return self->end(size.error());
                     self->read_body(*size);
                   });
}

void CharonClient::State::read_body(std::size_t size) {
  body.resize(size);
  asio::async_read(socket, asio::buffer(body),
                   [self = shared_from_this()](const error_code& error, std::size_t) {
                     if (!self->open) return;
                     if (error)
                       return self->end({Errc::System, "charon's plugin socket: " + error.message()});
                     self->take_frame();
                     wipe_dead_stack();
                     if (self->open) self->read_length();
                   });
}

void CharonClient::State::take_frame() {
  auto message = decode_from_plugin(view_of(body));
  std::string().swap(body);  // freed, and so wiped: it held keys
  if (!message) return end(message.error());
  std::visit([this](auto& one) { handle(std::move(one)); }, *message);
}

void CharonClient::State::handle(PluginReply reply) {
  const auto waits = waiting.find(reply.id);
  if (waits == waiting.end())
    return end(invalid("plugin reply: id " + std::to_string(reply.id) + " was not asked"));
  const Answer answer = std::move(waits->second);
  waiting.erase(waits);
  answer(std::move(reply.result));
}

void CharonClient::State::handle(PluginEvent event) {
  if (event.number != ++last_event) return end({Errc::System, "plugin events were lost"});
  const auto call = [](const auto& callback, auto&&... what) {
    if (callback) callback(std::forward<decltype(what)>(what)...);
  };
  std::visit(Overloaded{[&](ChangedContext& one) { call(callbacks.changed, std::move(one)); },
                        [&](const GoneSa& one) { call(callbacks.gone, one); },
                        [&](const Synced&) { call(callbacks.synced); },
                        [&](const SaSummary& one) { call(callbacks.unprotected, one); },
                        [&](const VpeBegun& one) { call(callbacks.vpe, one.session); },
                        [&](const std::vector<RetiredVpe>& done) { call(callbacks.retired, done); },
                        [](const UnknownEvent&) {}},
             event.content);
}

void CharonClient::give_up(const Error& why) {
  state_->end(why);
}

void CharonClient::hello(Answer answer) {
  proto::Request request;
  request.mutable_hello();
  state_->request(std::move(request), std::move(answer));
}

void CharonClient::subscribe(Answer answer) {
  proto::Request request;
  request.mutable_subscribe();
  state_->request(std::move(request), std::move(answer));
}

void CharonClient::subscribe(const OutputCommit& commit, const std::vector<SharedAddress>& shared,
                             Answer answer) {
  proto::Request request;
  proto::OutputCommit* wanted = request.mutable_subscribe()->mutable_commit();
  wanted->set_mode(commit.available ? proto::COMMIT_MODE_AVAILABLE : proto::COMMIT_MODE_STRICT);
  wanted->set_wait_ms(static_cast<std::uint32_t>(commit.wait.count()));
  for (const SharedAddress& one : shared) {
    proto::SharedAddress* told = request.mutable_subscribe()->add_shared();
    told->set_address(one.address.wire().data(), one.address.wire().size());
    told->set_interface(one.interface);
  }
  state_->request(std::move(request), std::move(answer));
}

void CharonClient::commit(std::uint64_t number, Answer answer) {
  proto::Request request;
  request.mutable_commit()->set_event(number);
  state_->request(std::move(request), std::move(answer));
}

void CharonClient::discard(std::uint64_t first, std::uint64_t last, Answer answer) {
  proto::Request request;
  request.mutable_discard()->set_first(first);
  request.mutable_discard()->set_last(last);
  state_->request(std::move(request), std::move(answer));
}

void CharonClient::list(Answer answer) {
  proto::Request request;
  request.mutable_list();
  state_->request(std::move(request), std::move(answer));
}

void CharonClient::get(SaId sa, Answer answer) {
  proto::Request request;
  put_sa(sa, request.mutable_get()->mutable_sa());
  state_->request(std::move(request), std::move(answer));
}

void CharonClient::put(std::string_view context, Holding holding, Answer answer) {
  proto::Request request;
  proto::Put* put = request.mutable_put();
  if (!put->mutable_context()->ParseFromArray(context.data(), static_cast<int>(context.size()))) {
    return answer(invalid("context: is not well formed"));
  }
  hold(holding, put);
  state_->request(std::move(request), std::move(answer));
}

void CharonClient::set_state(const std::vector<SaId>& sas, Holding holding, Answer answer) {
  proto::Request request;
  hold(holding, request.mutable_set_state());
  for (const SaId sa : sas) put_sa(sa, request.mutable_set_state()->add_sas());
  state_->request(std::move(request), std::move(answer));
}

void CharonClient::release(const std::vector<SaId>& sas, Answer answer) {
  proto::Request request;
  for (const SaId sa : sas) put_sa(sa, request.mutable_release()->add_sas());
  state_->request(std::move(request), std::move(answer));
}

void CharonClient::give_vpe(std::uint64_t session, const std::vector<VpeShare>& shares, Answer answer) {
  proto::Request request;
  request.mutable_give_vpe()->set_session(session);
  for (const VpeShare& share : shares) {
    proto::GiveVpe::Share* to = request.mutable_give_vpe()->add_shares();
    put_sa(share.sa, to->mutable_sa());
    to->set_outbound_spi(share.outbound_spi.value);
    to->mutable_place()->set_node(share.node);
    to->mutable_place()->set_incarnation(share.incarnation);
  }
  state_->request(std::move(request), std::move(answer));
}

void CharonClient::ask_fresh(std::uint64_t reception, const std::vector<VpeChild>& children, Answer answer) {
  proto::Request request;
  request.mutable_ask_fresh()->set_reception(reception);
  for (const VpeChild& child : children) {
    proto::AskFresh::Child* to = request.mutable_ask_fresh()->add_children();
    put_sa(child.sa, to->mutable_sa());
    to->set_inbound_spi(child.inbound_spi.value);
  }
  state_->request(std::move(request), std::move(answer));
}

void CharonClient::rekey(SaId sa, EspSpi child_inbound_spi, Answer answer) {
  proto::Request request;
  put_sa(sa, request.mutable_rekey()->mutable_sa());
  request.mutable_rekey()->set_child_inbound_spi(child_inbound_spi.value);
  state_->request(std::move(request), std::move(answer));
}

}  // namespace hasync::ctx
