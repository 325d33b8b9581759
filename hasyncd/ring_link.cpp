#include "hasyncd/ring_link.h"

#include "hasyncd/adapters/key_file.h"
#include "hasyncd/wire/ring_codec.h"

namespace hasync::hasyncd {

RingLink::RingLink(boost::asio::io_context& io, const Config& config, const KeySet& keys, Callbacks callbacks)
    : callbacks_(std::move(callbacks)),
      self_(config.node),
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
      quorum_(io, {.changed = [this](bool quorate) { callbacks_.quorate(quorate); },
                   .lost = [this](const Error&) { callbacks_.quorate(false); }}) {}

Result<std::unique_ptr<RingLink>> RingLink::create(boost::asio::io_context& io, const Config& config,
                                                   const KeySet& keys, Callbacks callbacks) {
  std::unique_ptr<RingLink> link(new RingLink(io, config, keys, std::move(callbacks)));
  std::map<NodeId, UdpEndpoint> peers;
  for (const Config::Member& member : config.members) {
    if (member.id == config.node) continue;
    peers.emplace(member.id, UdpEndpoint{member.address, config.heartbeat_port});
    link->others_.push_back(member.id);
  }
  auto socket = HeartbeatSocket::create(
      io, {config.self().address, config.heartbeat_port}, std::move(peers),
      [link = link.get()](BytesView bytes, const UdpEndpoint&) { link->received(bytes); });
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
  callbacks_.lost(error);
  if (!stopped_) start();
}

void RingLink::send(const RingMessage& message) {
  const Bytes sealed = sealer_.seal(encode(message), additional_data(Purpose::Ring, self_));
  const Status queued = cpg_.multicast(sealed);
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

void RingLink::send(Heartbeat heartbeat) {
  heartbeat.keys = keys_.own();
  const Bytes sealed = sealer_.seal(encode(heartbeat), additional_data(Purpose::Heartbeat, kNobody));
  for (const NodeId node : others_) socket_->send(node, sealed);
}

void RingLink::delivered(GroupMember from, BytesView bytes) {
  const auto opened = sealer_.open(bytes, additional_data(Purpose::Ring, from.node));
  if (!opened) {
    ++counters_.unsealed;
    return callbacks_.refused("ring-unsealed", opened.error());
  }
  const auto message = decode_ring_message(*opened);
  if (!message) {
    ++counters_.malformed;
    return callbacks_.refused("ring-malformed", message.error());
  }
  if (!ring_guard_.accept({from.node, message->incarnation}, message->number)) {
    ++counters_.replayed;
    return callbacks_.refused(
        "ring-replayed", invalid("message " + std::to_string(message->number) + " of node " +
                                 std::to_string(from.node.value) + " is not behind those that came before"));
  }
  callbacks_.message(from.node, *message);
}

void RingLink::received(BytesView bytes) {
  const auto opened = sealer_.open(bytes, additional_data(Purpose::Heartbeat, kNobody));
  if (!opened) {
    ++counters_.unsealed;
    return callbacks_.refused("heartbeat-unsealed", opened.error());
  }
  const auto heartbeat = decode_heartbeat(*opened);
  if (!heartbeat) {
    ++counters_.malformed;
    return callbacks_.refused("heartbeat-malformed", heartbeat.error());
  }
  if (heartbeat->from.node == self_ || !heartbeat_guard_.accept(heartbeat->from, heartbeat->number)) {
    ++counters_.replayed;
    return;
  }
  keys_.heard(heartbeat->from.node, heartbeat->keys, key_id_of(bytes));
  sealer_.seal_with(keys_.sealing());
  callbacks_.heartbeat(*heartbeat);
}

}  // namespace hasync::hasyncd
