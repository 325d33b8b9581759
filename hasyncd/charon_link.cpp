#include "hasyncd/charon_link.h"

#include <boost/asio/post.hpp>

#include "base/bytes.h"
#include "ctx-transfer/context_codec.h"

namespace hasync::hasyncd {

CharonLink::CharonLink(boost::asio::io_context& io, const Config& config, const KeySet& keys, Callbacks callbacks)
    : io_(io),
      socket_(config.charon_socket),
      callbacks_(std::move(callbacks)),
      sealer_(keys.id, keys.context),
      retry_(io) {}

void CharonLink::start() {
  retry_.start([this] {
    connect();
    return client_ != nullptr;
  });
}

void CharonLink::connect() {
  auto client = ctx::CharonClient::connect(io_, socket_.string(),
                                           {.event = [this](ctx::Event event) { on_event(std::move(event)); },
                                            .closed = [this](const Error& error) { lost(error); }});
  if (!client) return;
  client_ = *std::move(client);
  last_event_ = 0;
  client_->ask(ctx::Subscribe{}, [this](const Result<ctx::Reply>& reply) { refused("subscribe", reply); });
}

// The client is destroyed when the next one takes its place, not from inside its own call.
void CharonLink::lost(const Error& error) {
  callbacks_.note("charon-closed", error.what);
  callbacks_.lost();
  start();
}

void CharonLink::failed(const std::string& what, const Error& error) {
  ++times_.failed;
  callbacks_.note("charon-refused", what + ": " + error.what);
}

void CharonLink::refused(const std::string& what, const Result<ctx::Reply>& reply) {
  if (!reply) return failed(what, reply.error());
  if (reply->refusal) failed(what, ctx::to_error(*reply->refusal));
}

void CharonLink::on_event(ctx::Event event) {
  // The plugin never waits for a slow client: a gap means that it has dropped events. Begin anew.
  const bool gap = last_event_ != 0 && event.number != last_event_ + 1;
  last_event_ = event.number;
  if (gap) {
    callbacks_.note("charon-gap", "events were lost; asking for everything again");
    boost::asio::post(io_, [this] {
      callbacks_.lost();
      start();
    });
    return;
  }
  if (auto* change = std::get_if<ctx::Changed>(&event.what)) {
    changed(std::move(*change));
  } else if (const auto* gone = std::get_if<ctx::Gone>(&event.what)) {
    views_.erase(gone->id);
    if (!gone->released) callbacks_.gone(gone->id);
  } else if (std::holds_alternative<ctx::Synced>(event.what)) {
    callbacks_.synced();
  } else if (const auto* open = std::get_if<ctx::Unprotected>(&event.what)) {
    callbacks_.note("sa-unprotected", to_string(open->sa.id) + " " + open->sa.connection +
                                          ": made before the plugin was loaded; it is being rekeyed");
  }
}

void CharonLink::changed(ctx::Changed changed) {
  ContextReport report{.sa = changed.view.id, .peer = changed.view.peer, .active = changed.state == ctx::SaState::Active};
  for (const ctx::ChildView& child : changed.view.children) {
    report.outbound.push_back({child.outbound, child.esn, child.outbound_number});
  }
  // A copy is what others have said; only what this charon answers for goes out.
  if (report.active) {
    report.sealed = text_of(sealer_.seal(view_of(changed.context), additional_data(Purpose::Context, kNobody)));
  }
  OPENSSL_cleanse(changed.context.data(), changed.context.size());
  views_.insert_or_assign(report.sa, std::move(changed.view));
  callbacks_.report(std::move(report));
}

void CharonLink::put(const PutContext& request) {
  const auto done = [this, sa = request.sa](const Result<ctx::Reply>& reply) {
    const bool installed = reply.has_value() && !reply->refusal;
    if (installed) {
      times_.put_ns = static_cast<std::uint64_t>(reply->took.count());
      ++times_.puts;
    }
    refused("PUT of " + to_string(sa), reply);
    callbacks_.put(sa, installed);
  };
  auto context = context_of(request);
  if (!context || !client_) {
    const Error error = context ? Error{Errc::Busy, "charon is not connected"} : context.error();
    return boost::asio::post(io_, [done, error] { done(error); });
  }
  if (auto view = ctx::decode_context(*context)) views_.insert_or_assign(view->id, *std::move(view));
  client_->ask(ctx::Put{std::move(*context), request.active ? ctx::SaState::Active : ctx::SaState::Passive}, done);
}

// The newest context, its outbound SAs behind the numbers that may have been used.
Result<std::string> CharonLink::context_of(const PutContext& request) {
  const auto opened = sealer_.open(view_of(request.sealed), additional_data(Purpose::Context, kNobody));
  if (!opened) return opened.error();
  std::map<EspSpi, std::uint64_t> numbers;
  for (const OutboundNumber& number : request.numbers) numbers.emplace(number.key.spi, number.used);
  return ctx::with_outbound_numbers(text_of(*opened), numbers);
}

const ctx::ContextView* CharonLink::view(SaId sa) const {
  const auto known = views_.find(sa);
  return known == views_.end() ? nullptr : &known->second;
}

void CharonLink::set_active(const SetActive& request) {
  if (!client_) return;
  client_->ask(ctx::SetState{request.sas, request.active ? ctx::SaState::Active : ctx::SaState::Passive},
               [this](const Result<ctx::Reply>& reply) { refused("set state", reply); });
}

void CharonLink::release(const ReleaseContexts& request) {
  if (!client_) return;
  client_->ask(ctx::Release{request.sas}, [this](const Result<ctx::Reply>& reply) { refused("release", reply); });
}

}  // namespace hasync::hasyncd
