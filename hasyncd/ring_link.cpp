#include "hasyncd/ring_link.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "hasyncd/adapters/key_file.h"
#include "hasyncd/wire/aside_codec.h"
#include "hasyncd/wire/packing.h"
#include "hasyncd/wire/ring_codec.h"

namespace hasync::hasyncd {
namespace {

// While a round or a move is under way, packets wait.
Packer::Haste haste_of(const RingMessage& message) {
  const auto* entry = std::get_if<Entry>(&message.body);
  const bool waits = entry != nullptr && !std::holds_alternative<Move>(entry->body);
  return waits ? Packer::Haste::Together : Packer::Haste::AtOnce;
}

// A neighbouring cluster sends fifty in a second; each stranger is told of once in this time.
constexpr std::chrono::minutes kToldAgain{1};

}  // namespace

static_assert(kMaxHeartbeat + Sealer::kOverhead <= HeartbeatSocket::kMaxDatagram);

RingLink::RingLink(boost::asio::io_context& io, const Config& config, const KeySet& keys,
                   Incarnation incarnation, Callbacks callbacks)
    : io_(io),
      callbacks_(std::move(callbacks)),
      self_{config.node, incarnation},
      sealer_(keys, &Key::auth),
      keys_(keys.ids()),
      cpg_(io,
           {.view =
                [this](const GroupView& view) {
                  std::vector<NodeId> nodes;
                  for (const GroupMember& member : view.members) nodes.push_back(member.node);
                  callbacks_.view(nodes);
                },
            .delivered = [this](GroupMember from, BytesView bytes) { delivered(from, bytes); },
            .lost = [this](const Error& error) { lost(error); }},
           "hasyncd/" + config.cluster_name),
      packer_(io, [this](Bytes pack) { multicast(std::move(pack)); }),
      quorum_(io, {.changed = [this](bool quorate) { callbacks_.quorate(quorate); },
                   .lost = [this](const Error&) { callbacks_.quorate(false); }}) {}

Result<std::unique_ptr<RingLink>> RingLink::create(boost::asio::io_context& io, const Config& config,
                                                   const KeySet& keys, Incarnation incarnation,
                                                   Callbacks callbacks) {
  std::unique_ptr<RingLink> link(new RingLink(io, config, keys, incarnation, std::move(callbacks)));
  for (const Config::Member& member : config.members) {
    if (member.id == config.node) continue;
    link->others_.emplace(member.id, UdpEndpoint{member.address, config.heartbeat_port});
  }
  auto socket = HeartbeatSocket::create(
      io, {config.self().address, config.heartbeat_port}, link->others_,
      [link = link.get()](BytesView bytes, const UdpEndpoint& from) { link->received(bytes, from.address); });
  if (!socket) return socket.error();
  link->socket_ = *std::move(socket);
  link->use_keys(keys);
  return link;
}

void RingLink::start() {
  quorum_.keep_connecting();
  cpg_.keep_connecting([] {});
}

void RingLink::stop() {
  stopped_ = true;
  quorum_.close();
  cpg_.close();
}

void RingLink::lost(const Error& error) {
  packer_.clear();
  callbacks_.lost(error);
  if (!stopped_) start();
}

void RingLink::send(const RingMessage& message) {
  queue(encode(message), haste_of(message));
}

std::uint64_t RingLink::send(const std::variant<Ask, About>& aside) {
  queue(encode(Aside{self_.incarnation, ++asides_, aside}), Packer::Haste::AtOnce);
  return asides_;
}

void RingLink::queue(const Bytes& encoded, Packer::Haste haste) {
  packer_.add(sealer_.seal(encoded, additional_data(Purpose::Ring, self_.node)), haste);
}

void RingLink::multicast(Bytes pack) {
  const Status queued = cpg_.multicast(std::move(pack));
  if (queued) return;
  // A message that is not said would leave a hole in what this node has promised to say: it leaves, and comes
  // again.
  ++counters_.unsent;
  callbacks_.refused("ring-queue", queued.error());
  rejoin();
}

// The Node takes a lost ring for a lost quorum: that is to be told again as well.
void RingLink::rejoin() {
  cpg_.close();
  quorum_.close();
  lost(Error{Errc::Busy, "left the ring, to come back"});
}

void RingLink::use_keys(const KeySet& keys) {
  sealer_ = Sealer(keys, &Key::auth);
  keys_.own(keys.ids());
  sealer_.seal_with(keys_.sealing());
}

// Many entries come at once when the ring is busy: one heartbeat tells of all of them. Each part of a reading
// of windows is told.
void RingLink::send(Heartbeat heartbeat) {
  const bool posted = !due_.empty();
  if (posted && !due_.back().windows && !heartbeat.windows) due_.pop_back();
  due_.push_back(std::move(heartbeat));
  if (!posted) boost::asio::post(io_, [this] { send_heartbeats(); });
}

void RingLink::send_heartbeats() {
  for (Heartbeat& heartbeat : std::exchange(due_, {})) {
    heartbeat.keys = keys_.own();
    const Bytes sealed = sealer_.seal(encode(heartbeat), additional_data(Purpose::Heartbeat, kNobody));
    for (const auto& [node, endpoint] : others_) socket_->send(node, sealed);
    counters_.heartbeats_sent += others_.size();
  }
}

void RingLink::delivered(GroupMember from, BytesView bytes) {
  const auto messages = unpack(bytes);
  if (!messages) {
    ++counters_.malformed;
    return callbacks_.refused("ring-malformed", messages.error());
  }
  for (const BytesView message : *messages) {
    if (!cpg_.is_connected()) return;  // one of them made this node leave: the others are of no group of its
    open(from, message);
  }
}

void RingLink::open(GroupMember from, BytesView bytes) {
  const auto opened = sealer_.open(bytes, additional_data(Purpose::Ring, from.node));
  if (!opened) {
    ++counters_.unsealed;
    return callbacks_.refused("ring-unsealed", opened.error());
  }
  const auto message = decode_ring_message(*opened);
  if (!message) return not_a_message(from.node, *opened, message.error());
  if (!ring_guard_.accept({from.node, message->incarnation}, message->number)) {
    ++counters_.replayed;
    return callbacks_.refused(
        "ring-replayed", invalid("message " + std::to_string(message->number) + " of node " +
                                 std::to_string(from.node.value) + " is not behind those that came before"));
  }
  callbacks_.message(from.node, *message);
}

void RingLink::not_a_message(NodeId from, BytesView opened, const Error& error) {
  if (const auto aside = decode_aside(opened)) {
    if (aside_guard_.accept({from, aside->incarnation}, aside->number)) callbacks_.aside(from, *aside);
    return;
  }
  ++counters_.malformed;
  remember_newer(from, error);
  callbacks_.refused("ring-malformed", error);
}

void RingLink::remember_newer(NodeId node, const Error& error) {
  if (error.code == Errc::Unsupported) newer_[node] = std::chrono::steady_clock::now();
}

bool RingLink::remember_stranger(const Address& address) {
  const auto now = std::chrono::steady_clock::now();
  if (strangers_.size() == kMaxStrangers)
    std::erase_if(strangers_, [&](const Stranger& one) { return now - one.last > kToldAgain; });
  auto known = std::ranges::find(strangers_, address, &Stranger::address);
  if (known == strangers_.end() && strangers_.size() == kMaxStrangers) return false;
  if (known == strangers_.end()) known = strangers_.insert(known, Stranger{address});
  ++known->datagrams;
  known->last = now;
  if (known->told && now - *known->told < kToldAgain) return false;
  known->told = now;
  return true;
}

void RingLink::received(BytesView bytes, const Address& from) {
  const auto opened = sealer_.open(bytes, additional_data(Purpose::Heartbeat, kNobody));
  if (!opened) {
    ++counters_.unsealed;
    if (remember_stranger(from))
      callbacks_.refused("heartbeat-unsealed",
                         {opened.error().code, "from " + to_string(from) + ": " + opened.error().what});
    return;
  }
  const auto heartbeat = decode_heartbeat(*opened);
  if (!heartbeat) {
    ++counters_.malformed;
    for (const auto& [node, endpoint] : others_) {
      if (endpoint.address == from) remember_newer(node, heartbeat.error());
    }
    return callbacks_.refused("heartbeat-malformed", heartbeat.error());
  }
  if (heartbeat->from.node == self_.node || !heartbeat_guard_.accept(heartbeat->from, heartbeat->number)) {
    ++counters_.replayed;
    return;
  }
  keys_.heard(heartbeat->from.node, heartbeat->keys, key_id_of(bytes));
  sealer_.seal_with(keys_.sealing());
  ++counters_.heartbeats_received;
  callbacks_.heartbeat(*heartbeat);
}

}  // namespace hasync::hasyncd
