#include "hasyncd/wire/ring_codec.h"

#include <google/protobuf/arena.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/overloaded.h"
#include "hasyncd/wire/field_error.h"
#include "hasyncd/wire/vpe_codec.h"
#include "hasyncd/wire/windows_codec.h"
#include "ring.pb.h"

namespace hasync::hasyncd {
namespace {

namespace wire = proto::ring;

constexpr std::uint32_t kMajor = 1;
constexpr std::uint32_t kMaxRefused = 65'535;  // more are said as so many: a heartbeat must fit

std::string string_of(const Address& address) {
  return std::string(text_of(address.wire()));
}

// --- encoding ---

void put(const Process& from, wire::Process* to) {
  to->set_node(from.node.value);
  to->set_incarnation(from.incarnation.value);
}

void put(SaId from, wire::Sa* to) {
  to->set_initiator_spi(from.initiator_spi);
  to->set_responder_spi(from.responder_spi);
}

void put(const Delta& from, wire::Delta* to) {
  put(from.sa, to->mutable_sa());
  to->set_version(from.version);
  to->set_peer_address(string_of(from.peer));
  for (const OutboundSa& sa : from.outbound) {
    wire::OutboundSa* out = to->add_outbound();
    out->set_address(string_of(sa.key.address));
    out->set_spi(sa.key.spi.value);
    out->set_esn(sa.esn);
    out->set_used(sa.used);
    out->set_inbound_spi(sa.inbound.value);
    out->set_vpe(sa.vpe);
    out->set_vpe_old(sa.vpe_old);
  }
  to->set_sealed(from.sealed);
}

void put(const Lease& from, wire::Grant::Lease* to) {
  to->set_address(string_of(from.key.address));
  to->set_spi(from.key.spi.value);
  to->set_end(from.end);
  to->set_left(from.left);
}

void put(const Entry& from, wire::Entry* to) {
  to->set_epoch(from.epoch.value);
  std::visit(Overloaded{[&](const Delta& d) { put(d, to->mutable_delta()); },
                        [&](const Gone& g) { put(g.sa, to->mutable_gone()->mutable_sa()); },
                        [&](const Grant& g) {
                          wire::Grant* grant = to->mutable_grant();
                          for (const Lease& lease : g.leases) put(lease, grant->add_leases());
                        },
                        [&](const Move& m) { to->mutable_move()->set_to(m.to.value); },
                        [&](const VpeBegin& b) { to->mutable_vpe_begin()->set_session(b.session); }},
             from.body);
}

void put(const Propose& from, wire::Propose* to) {
  to->set_epoch(from.epoch.value);
  for (NodeId node : from.members) to->add_members(node.value);
  for (NodeId node : from.excluded) to->add_excluded(node.value);
}

void put(const Sync& from, wire::Sync* to) {
  put(from.leader, to->mutable_leader());
  to->set_epoch(from.epoch.value);
  to->set_promised(from.promised.value);
  to->set_refused(from.refused);
  to->set_confirmed(from.confirmed.value);
  to->set_state_epoch(from.state_epoch.value);
  to->set_index(from.index);
  to->set_digest(from.digest);
  to->set_has_state(from.has_state);
  to->set_gateway(from.gateway);
  to->set_owner(from.owner);
  to->set_blank(from.blank);
  to->set_lone(from.lone);
  to->set_of_two(from.of_two);
  to->set_begun(from.begun.value);
}

void put(const Snapshot& from, wire::Snapshot* to) {
  to->set_epoch(from.epoch.value);
  to->set_part(from.part);
  to->set_parts(from.parts);
  put(from.owner, to->mutable_owner());
  for (const SnapshotSa& sa : from.sas) {
    wire::SnapshotSa* out = to->add_sas();
    put(sa.delta, out->mutable_delta());
    for (const Lease& lease : sa.leases) put(lease, out->add_leases());
    put(sa.vpe, out);
  }
  put(from.vpe_nodes, to);
  for (const EndedLease& ended : from.ended) {
    wire::EndedLease* out = to->add_ended();
    out->set_spi(ended.spi.value);
    out->set_end(ended.end);
  }
}

template <typename Message>
Bytes serialized(const Message& message) {
  Bytes bytes(message.ByteSizeLong());
  message.SerializeToArray(bytes.data(), static_cast<int>(bytes.size()));
  return bytes;
}

// --- decoding: every function returns the first broken rule, or nothing and fills its output ---

Problem take(const wire::Process& from, const std::string& field, Process* to) {
  if (from.node() == 0) return at(field + ".node", "is missing or 0");
  *to = {NodeId{from.node()}, Incarnation{from.incarnation()}};
  return {};
}

Problem take(const wire::Sa& from, const std::string& field, SaId* to) {
  // RFC 7296, section 3.1: neither SPI of an established IKE_SA is zero.
  if (from.initiator_spi() == 0) return at(field + ".initiator_spi", "is missing or 0");
  if (from.responder_spi() == 0) return at(field + ".responder_spi", "is missing or 0");
  *to = {from.initiator_spi(), from.responder_spi()};
  return {};
}

template <typename Repeated>
Problem take_nodes(const Repeated& from, const std::string& field, std::vector<NodeId>* to) {
  if (static_cast<std::size_t>(from.size()) > kMaxMembers) {
    return too_many(field, static_cast<std::size_t>(from.size()), kMaxMembers);
  }
  std::uint32_t last = 0;
  for (std::uint32_t node : from) {
    if (node <= last) return at(field, "nodes are above 0 and ascend");
    last = node;
    to->emplace_back(node);
  }
  return {};
}

Problem take_key(const std::string& address, std::uint32_t spi, const std::string& field, OutboundKey* to) {
  if (spi == 0) return at(field + ".spi", "is missing or 0");  // RFC 4303, section 2.1
  to->spi = EspSpi{spi};
  return take_address(address, field + ".address", &to->address);
}

Problem take(const wire::Delta& from, const std::string& field, Delta* to) {
  if (Problem p = take(from.sa(), field + ".sa", &to->sa)) return p;
  if (Problem p = take_address(from.peer_address(), field + ".peer_address", &to->peer)) return p;
  if (static_cast<std::size_t>(from.outbound_size()) > kMaxOutbound) {
    return too_many(field + ".outbound", static_cast<std::size_t>(from.outbound_size()), kMaxOutbound);
  }
  if (from.sealed().size() > kMaxSealedContext) {
    return at(field + ".sealed", std::to_string(from.sealed().size()) + " bytes are too many");
  }
  for (const wire::OutboundSa& sa : from.outbound()) {
    OutboundSa& out = to->outbound.emplace_back();
    if (Problem p = take_key(sa.address(), sa.spi(), field + ".outbound", &out.key)) return p;
    out.esn = sa.esn();
    out.used = sa.used();
    out.inbound = EspSpi{sa.inbound_spi()};
    out.vpe = sa.vpe();
    out.vpe_old = sa.vpe_old();
  }
  to->version = from.version();
  to->sealed = from.sealed();
  return {};
}

template <typename Repeated>
Problem take_leases(const Repeated& from, const std::string& field, std::vector<Lease>* to) {
  if (static_cast<std::size_t>(from.size()) > kMaxLeases) {
    return too_many(field, static_cast<std::size_t>(from.size()), kMaxLeases);
  }
  for (const wire::Grant::Lease& lease : from) {
    Lease& out = to->emplace_back();
    if (Problem p = take_key(lease.address(), lease.spi(), field, &out.key)) return p;
    if (lease.left() > lease.end()) return at(field + ".left", "is beyond the lease");
    out.end = lease.end();
    out.left = lease.left();
  }
  return {};
}

Problem take(const wire::Entry& from, Entry* to) {
  if (from.epoch() == 0) return at("entry.epoch", "is missing or 0");
  to->epoch = Epoch{from.epoch()};
  switch (from.entry_case()) {
    case wire::Entry::kDelta:
      return take(from.delta(), "entry.delta", &to->body.emplace<Delta>());
    case wire::Entry::kGone:
      return take(from.gone().sa(), "entry.gone.sa", &to->body.emplace<Gone>().sa);
    case wire::Entry::kGrant:
      return take_leases(from.grant().leases(), "entry.grant.leases", &to->body.emplace<Grant>().leases);
    case wire::Entry::kMove:
      if (from.move().to() == 0) return at("entry.move.to", "is missing or 0");
      to->body = Move{NodeId{from.move().to()}};
      return {};
    case wire::Entry::kVpeBegin:
      if (from.vpe_begin().session() == 0) return at("entry.vpe_begin.session", "is missing or 0");
      to->body = VpeBegin{from.vpe_begin().session()};
      return {};
    case wire::Entry::ENTRY_NOT_SET:
      break;
  }
  return Error{Errc::Unsupported, "field entry: of a kind that is not known here"};
}

Problem take(const wire::Propose& from, Propose* to) {
  if (from.epoch() == 0) return at("propose.epoch", "is missing or 0");
  to->epoch = Epoch{from.epoch()};
  if (from.members().empty()) return at("propose.members", "is empty");
  if (Problem p = take_nodes(from.members(), "propose.members", &to->members)) return p;
  if (Problem p = take_nodes(from.excluded(), "propose.excluded", &to->excluded)) return p;
  for (NodeId node : to->excluded) {
    for (NodeId member : to->members) {
      if (node == member) return at("propose.excluded", "names a member");
    }
  }
  return {};
}

Problem take(const wire::Sync& from, Sync* to) {
  if (Problem p = take(from.leader(), "sync.leader", &to->leader)) return p;
  if (from.epoch() == 0) return at("sync.epoch", "is missing or 0");
  to->epoch = Epoch{from.epoch()};
  to->promised = Epoch{from.promised()};
  to->refused = from.refused();
  to->confirmed = Epoch{from.confirmed()};
  to->state_epoch = Epoch{from.state_epoch()};
  to->index = from.index();
  to->digest = from.digest();
  to->has_state = from.has_state();
  to->gateway = from.gateway();
  to->owner = from.owner();
  to->blank = from.blank();
  to->lone = from.lone();
  to->of_two = from.of_two();
  to->begun = Epoch{from.begun()};
  return {};
}

Problem take(const wire::Snapshot& from, Snapshot* to) {
  if (from.epoch() == 0) return at("snapshot.epoch", "is missing or 0");
  if (from.parts() == 0 || from.parts() > kMaxSnapshotParts) {
    return at("snapshot.parts", std::to_string(from.parts()) + " is not from 1 to 65536");
  }
  if (from.part() >= from.parts()) return at("snapshot.part", "is not below snapshot.parts");
  if (static_cast<std::size_t>(from.sas_size()) > kMaxSnapshotSas) {
    return too_many("snapshot.sas", static_cast<std::size_t>(from.sas_size()), kMaxSnapshotSas);
  }
  to->epoch = Epoch{from.epoch()};
  to->part = from.part();
  to->parts = from.parts();
  to->owner = {NodeId{from.owner().node()}, Incarnation{from.owner().incarnation()}};
  for (const wire::SnapshotSa& sa : from.sas()) {
    SnapshotSa& out = to->sas.emplace_back();
    if (Problem p = take(sa.delta(), "snapshot.sas.delta", &out.delta)) return p;
    if (Problem p = take_leases(sa.leases(), "snapshot.sas.leases", &out.leases)) return p;
    if (Problem p = take(sa, &out.vpe)) return p;
  }
  if (Problem p = take(from, &to->vpe_nodes)) return p;
  if (static_cast<std::size_t>(from.ended_size()) > kMaxSnapshotEnded) {
    return too_many("snapshot.ended", static_cast<std::size_t>(from.ended_size()), kMaxSnapshotEnded);
  }
  for (const wire::EndedLease& ended : from.ended()) {
    if (ended.spi() == 0) return at("snapshot.ended.spi", "is missing or 0");
    to->ended.push_back({EspSpi{ended.spi()}, ended.end()});
  }
  return {};
}

Problem take_body(const wire::RingMessage& from, RingMessage* to) {
  switch (from.message_case()) {
    case wire::RingMessage::kPropose:
      return take(from.propose(), &to->body.emplace<Propose>());
    case wire::RingMessage::kSync:
      return take(from.sync(), &to->body.emplace<Sync>());
    case wire::RingMessage::kEvict:
      if (from.evict().node() == 0) return at("evict.node", "is missing or 0");
      to->body = Evict{NodeId{from.evict().node()}};
      return {};
    case wire::RingMessage::kHello:
      to->body = Hello{};
      return {};
    case wire::RingMessage::kEntry:
      return take(from.entry(), &to->body.emplace<Entry>());
    case wire::RingMessage::kSnapshot:
      return take(from.snapshot(), &to->body.emplace<Snapshot>());
    case wire::RingMessage::kAsk:
    case wire::RingMessage::kAbout:  // aside_codec.h
    case wire::RingMessage::MESSAGE_NOT_SET:
      break;
  }
  return Error{Errc::Unsupported, "field message: of a kind that is not known here"};
}

Problem check_major(std::uint32_t major) {
  if (major == kMajor) return {};
  if (major == 0) return at("major", "is missing or 0");
  return Error{Errc::Unsupported, "field major: " + std::to_string(major) + " is newer than 1"};
}

template <typename Message>
Problem parse(BytesView bytes, std::size_t limit, Message* to) {
  if (bytes.size() > limit) {
    return invalid("message: " + std::to_string(bytes.size()) + " bytes, " + std::to_string(limit) +
                   " are allowed");
  }
  if (!to->ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return invalid("message: not Protobuf");
  return check_major(to->major());
}

}  // namespace

Bytes encode(const RingMessage& message) {
  wire::RingMessage out;
  out.set_major(kMajor);
  out.set_incarnation(message.incarnation.value);
  out.set_number(message.number);
  std::visit(Overloaded{[&](const Propose& m) { put(m, out.mutable_propose()); },
                        [&](const Sync& m) { put(m, out.mutable_sync()); },
                        [&](const Evict& m) { out.mutable_evict()->set_node(m.node.value); },
                        [&](const Hello&) { out.mutable_hello(); },
                        [&](const Entry& m) { put(m, out.mutable_entry()); },
                        [&](const Snapshot& m) { put(m, out.mutable_snapshot()); }},
             message.body);
  return serialized(out);
}

namespace {

// Heartbeats make up most of what an idle node does: theirs is built and taken apart here without allocating.
class HeartbeatOnStack {
 public:
  wire::Heartbeat* operator->() { return message_; }
  wire::Heartbeat& operator*() { return *message_; }

 private:
  alignas(8) std::array<char, 4096> block_;
  google::protobuf::Arena arena_{block_.data(), block_.size()};
  wire::Heartbeat* message_ = google::protobuf::Arena::CreateMessage<wire::Heartbeat>(&arena_);
};

void put(const Mark& from, wire::Heartbeat::Mark* to) {
  put(from.of, to->mutable_of());
  to->set_index(from.index);
  to->set_digest(from.digest);
  to->set_sent_ns(from.sent_ns);
  to->set_ready(from.ready);
  to->set_deaf(from.deaf);
  to->set_honours_ns(from.honours_ns);
}

Problem take(const wire::Heartbeat::Mark& from, Mark* to) {
  if (Problem p = take(from.of(), "heard.of", &to->of)) return p;
  to->index = from.index();
  to->digest = from.digest();
  to->sent_ns = from.sent_ns();
  to->ready = from.ready();
  to->deaf = from.deaf();
  to->honours_ns = from.honours_ns();
  return {};
}

Problem take(const wire::Heartbeat& in, Heartbeat* to) {
  if (Problem p = take(in.from(), "from", &to->from)) return p;
  to->number = in.number();
  to->epoch = Epoch{in.epoch()};
  to->index = in.index();
  to->digest = in.digest();
  to->ready = in.ready();
  to->sent_ns = in.sent_ns();
  to->deaf = in.deaf();
  to->owner = {NodeId{in.owner().node()}, Incarnation{in.owner().incarnation()}};
  const auto acks = static_cast<std::size_t>(in.acks_size());
  if (acks > kMaxMembers) return too_many("acks", acks, kMaxMembers);
  const auto heard = static_cast<std::size_t>(in.heard_size());
  if (heard > kMaxMembers) return too_many("heard", heard, kMaxMembers);
  for (const wire::Heartbeat::Ack& ack : in.acks()) {
    Ack& out = to->acks.emplace_back();
    if (Problem p = take(ack.of(), "acks.of", &out.of)) return p;
    out.sent_ns = ack.sent_ns();
  }
  for (const wire::Heartbeat::Mark& mark : in.heard())
    if (Problem p = take(mark, &to->heard.emplace_back())) return p;
  to->let_in = in.let_in();
  to->counted_ns = in.counted_ns();
  to->peak = in.peak();
  to->windows_held = in.windows_held();
  if (in.refused() > kMaxRefused) return too_many("refused", in.refused(), kMaxRefused);
  to->refused = in.refused();
  return in.has_windows() ? take(in.windows(), &to->windows.emplace()) : Problem{};
}

}  // namespace

Bytes encode(const Heartbeat& heartbeat) {
  HeartbeatOnStack out;
  out->set_major(kMajor);
  put(heartbeat.from, out->mutable_from());
  out->set_number(heartbeat.number);
  out->set_epoch(heartbeat.epoch.value);
  out->set_index(heartbeat.index);
  out->set_digest(heartbeat.digest);
  out->set_ready(heartbeat.ready);
  out->set_sent_ns(heartbeat.sent_ns);
  for (const Ack& ack : heartbeat.acks) {
    wire::Heartbeat::Ack* to = out->add_acks();
    put(ack.of, to->mutable_of());
    to->set_sent_ns(ack.sent_ns);
  }
  out->set_deaf(heartbeat.deaf);
  if (heartbeat.owner.node != kNobody) put(heartbeat.owner, out->mutable_owner());
  for (const Mark& mark : heartbeat.heard) put(mark, out->add_heard());
  for (const std::uint32_t key : heartbeat.keys) out->add_keys(key);
  out->set_let_in(heartbeat.let_in);
  out->set_counted_ns(heartbeat.counted_ns);
  out->set_peak(heartbeat.peak);
  out->set_windows_held(heartbeat.windows_held);
  out->set_refused(std::min(heartbeat.refused, kMaxRefused));
  if (heartbeat.windows) put(*heartbeat.windows, out->mutable_windows());
  return serialized(*out);
}

Result<RingMessage> decode_ring_message(BytesView bytes) {
  wire::RingMessage in;
  if (Problem p = parse(bytes, kMaxRingMessage, &in)) return *p;
  RingMessage out;
  out.incarnation = Incarnation{in.incarnation()};
  out.number = in.number();
  if (Problem p = take_body(in, &out)) return *p;
  return out;
}

Result<Heartbeat> decode_heartbeat(BytesView bytes) {
  HeartbeatOnStack in;
  if (Problem p = parse(bytes, kMaxHeartbeat, &*in)) return *p;
  Heartbeat out;
  if (Problem p = take(*in, &out)) return *p;
  if (static_cast<std::size_t>(in->keys_size()) > kMaxKeyIds) {
    return *too_many("keys", static_cast<std::size_t>(in->keys_size()), kMaxKeyIds);
  }
  out.keys.assign(in->keys().begin(), in->keys().end());
  return out;
}

}  // namespace hasync::hasyncd
