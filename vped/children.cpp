#include "vped/children.h"

#include <iostream>

#include "vped/adapters/child_keys.h"

namespace hasync::vped {
namespace {

constexpr std::chrono::milliseconds kRetry{500};

}  // namespace

Children::Children(Gateway& gateway, const Config::Charon& charon)
    : gateway_(gateway), charon_(charon), link_(charon.socket) {}

ChildTable::Time Children::next(Time now) const {
  const Time due =
      std::min(table_.next(now).value_or(Time::max()), retirements_.next().value_or(Time::max()));
  return link_.is_open() ? due : std::min(due, retry_at_);
}

void Children::step(Time now) {
  if (!link_.is_open() && now >= retry_at_) connect(now);
  if (link_.is_open()) read(now);
  for (const EspSpi in : table_.expired(now)) drop(in, "its lifetime is over");
  retire(now);
  settle(now);
}

void Children::connect(Time now) {
  retry_at_ = now + kRetry;
  Status open = link_.open();
  if (open)
    open = link_.send(encode_offer(offer_ = ++requests_, gateway_.config().address, gateway_.config().port));
  if (!open) return lose(open.error());
  last_event_ = 0;
  is_told_all_ = false;
  table_.ask();
}

void Children::lose(const Error& error) {
  link_.close();
  if (error.what != last_error_) std::cerr << "vped: charon: " << error.what << "\n";
  last_error_ = error.what;
}

void Children::read(Time now) {
  for (;;) {
    auto message = link_.next();
    if (!message) return lose(message.error());
    if (!*message) return;
    if (!take(**message, now)) return;
  }
}

bool Children::take(PluginMessage& message, Time now) {
  if (message.number != 0 && message.number != ++last_event_) {
    lose({Errc::System, "events were lost, asking anew"});
    return false;
  }
  if (auto* const child = std::get_if<ToldChild>(&message.content)) told(*child, now);
  if (const auto* const child = std::get_if<GoneChild>(&message.content))
    if (table_.gone(child->in)) drop(child->in, "charon has deleted it");
  if (const auto* const retire = std::get_if<Retire>(&message.content)) retirements_.told(*retire, now);
  if (std::holds_alternative<Synced>(message.content)) {
    last_error_.clear();
    is_told_all_ = true;
    for (const EspSpi in : table_.synced()) drop(in, "charon does not have it any more");
  }
  const auto* const answer = std::get_if<Answer>(&message.content);
  if (answer == nullptr || !answer->refused) return true;
  if (answer->id == offer_) {
    lose({Errc::Conflict, answer->text});
    return false;
  }
  std::cerr << "vped: charon: " << answer->text << "\n";
  return true;
}

void Children::told(const ToldChild& told, Time now) {
  const Child& child = told.child;
  const ChildTable::Told what = table_.told(child, now, told.of_cluster);
  if (what == ChildTable::Told::Over) return;
  if (what == ChildTable::Told::Moved) move(child);
  if (what != ChildTable::Told::New && !told.of_cluster) renew(told);
  if (what == ChildTable::Told::New) {
    const Status started = start(told);
    if (!started) table_.gone(child.in);  // it must not displace one that works
    say(child, !started          ? "not carried: " + started.error().what
               : told.of_cluster ? "received"
                                 : "carried, incarnation " + std::to_string(told.share->incarnation));
    if (!started) return;
  }
  if (told.of_cluster && told.share) share(told);
}

// The cluster's log has given it.
void Children::share(const ToldChild& told) {
  const Child& child = told.child;
  switch (table_.share(child.in)) {
    case ChildTable::Shared::Kept:
      return;
    case ChildTable::Shared::Used:
      return lose(
          {Errc::Conflict, child.name + " has come back with the numbers that it had; asking for others"});
    case ChildTable::Shared::Taken:
      break;
  }
  const Status given = give(told);
  say(child, given ? "sent on as node " + std::to_string(*told.share->node) + ", incarnation " +
                         std::to_string(told.share->incarnation)
                   : "not sent on: " + given.error().what);
}

Status Children::give(const ToldChild& told) {
  auto out = derive_vpe_key(told.out.reveal(), told.child.out);
  if (!out) return out.error();
  stale_ = true;
  return gateway_.give(places_.at(told.child.in), place_of(*told.share), *out);
}

vpe::Place Children::place_of(const Share& share) const {
  return {share.node.value_or(gateway_.config().node), static_cast<std::uint8_t>(share.incarnation)};
}

Status Children::start(const ToldChild& told) {
  const Child& child = told.child;
  // Under a key that was in use before this start, what was received is forgotten: a new key ends what could
  // be replayed, and begins with all incarnations.
  // In a cluster its owner sees to that.
  const std::uint32_t incarnation = told.share ? told.share->incarnation : 0;
  if (!told.of_cluster && incarnation != 0) (void)link_.send(encode_rekey(++requests_, child));
  if (incarnation >= vpe::kIncarnations)
    return Error{Errc::Conflict, "all incarnations under this key are spent"};
  if (child.peer.is_v4() != gateway_.config().address.is_v4())
    return invalid("the peer's address is of another family than gateway.address");
  auto out = derive_vpe_key(told.out.reveal(), child.out), in = derive_vpe_key(told.in.reveal(), child.in);
  if (!out || !in) return (out ? in : out).error();
  KnownTunnel tunnel{.tunnel = {.name = child.name,
                                .peer = child.peer,
                                .peer_port = child.peer_port,
                                .spi_out = child.out,
                                .spi_in = child.in,
                                .local = child.local,
                                .remote = child.remote,
                                .sends = false},
                     .place = told.of_cluster ? std::nullopt : std::optional(place_of(*told.share)),
                     .keys = "charon: " + child.connection + "/" + child.name};
  const auto place = gateway_.add(std::move(tunnel), {*std::move(out), *std::move(in)}, charon_.window_bits);
  if (!place) return place.error();
  places_[child.in] = *place;
  stale_ = true;
  return Done{};
}

void Children::move(const Child& child) {
  const auto place = places_.find(child.in);
  if (place == places_.end()) return;
  const Status moved = gateway_.move(place->second, child.peer, child.peer_port);
  say(child, moved ? "the peer receives there now" : "not moved: " + moved.error().what);
}

// charon's plugin has counted on: as the peer has asked for fresh windows, or for another connection of this
// vped's, which may have missed that. There the old windows are not retired, and take room at the peer: a new
// key begins with all incarnations and no window, as it does where the incarnations are spent.
void Children::renew(const ToldChild& told) {
  const auto place = places_.find(told.child.in);
  if (place == places_.end()) return;
  const std::uint32_t incarnation = told.share->incarnation;
  if (incarnation == gateway_.tunnels()[place->second]->place->incarnation) return;
  const Status renewed = gateway_.renew(place->second, incarnation);
  say(told.child, renewed ? "goes on in fresh windows, incarnation " + std::to_string(incarnation)
                          : "goes on in its windows: " + renewed.error().what);
  if (!renewed || !is_told_all_) (void)link_.send(encode_rekey(++requests_, told.child));
}

void Children::retire(Time now) {
  std::vector<Gateway::Retired> places;
  std::vector<Retirements::Due> retired;
  for (const Retirements::Due& one : retirements_.due(now)) {
    const auto found = places_.find(one.in);
    if (found == places_.end()) continue;
    places.push_back({found->second, one.below});
    retired.push_back(one);
  }
  if (places.empty()) return;
  if (const Status done = gateway_.retire(places); !done) {
    std::cerr << "vped: old windows: " << done.error().what << "\n";  // hasyncd asks again
    return;
  }
  for (const Retirements::Due& one : retired)
    say(table_.at(one.in), "nothing below incarnation " + std::to_string(one.below) + " is taken any more");
  const Status told = link_.is_open() ? link_.send(encode_retired(++requests_, retired)) : Done{};
  if (!told) lose(told.error());
}

void Children::drop(EspSpi in, const char* why) {
  retirements_.gone(in);
  const auto found = places_.find(in);
  if (found == places_.end()) return;
  const Tunnel tunnel = gateway_.tunnels()[found->second]->tunnel;
  gateway_.remove(found->second);
  places_.erase(found);
  stale_ = true;
  std::cerr << "vped: " << tunnel.name << ": " << why << "\n";
}

void Children::settle(Time now) {
  std::vector<std::size_t> senders;
  for (const EspSpi in : table_.senders(now))
    if (const auto found = places_.find(in); found != places_.end()) senders.push_back(found->second);
  if (senders == senders_ && !stale_) return;
  senders_ = senders;
  stale_ = false;
  gateway_.send_on(senders);
}

void Children::say(const Child& child, const std::string& text) const {
  std::cerr << "vped: " << child.connection << "/" << child.name << " with " << to_string(child.peer) << ": "
            << text << "\n";
}

}  // namespace hasync::vped
