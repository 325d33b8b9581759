#include "vped/plugin_codec.h"

#include <openssl/crypto.h>

#include <algorithm>

#include "plugin.pb.h"
#include "vpe/big_endian.h"
#include "vpe/window_id.h"

namespace hasync::vped {
namespace {

constexpr std::size_t kHeader = 4;
constexpr std::uint32_t kFirstSpi = 256;  // RFC 4303, section 2.1
constexpr std::uint32_t kAnyPort = 65535;
constexpr std::size_t kSalt = 4;

Bytes frame(const proto::Request& request) {
  const std::size_t size = request.ByteSizeLong();
  Bytes out(kHeader + size);
  vpe::put_big_endian(out.data(), static_cast<std::uint32_t>(size));
  request.SerializeToArray(out.data() + kHeader, static_cast<int>(size));
  return out;
}

Result<Address> address_of(const std::string& wire, const char* field) {
  auto address = Address::from_wire(view_of(wire));
  if (!address) return invalid(std::string("vpe_child.") + field + ": no address");
  return address;
}

Result<std::vector<Prefix>> prefixes_of(
    const google::protobuf::RepeatedPtrField<proto::TrafficSelector>& selectors, const char* field) {
  std::vector<Prefix> out;
  for (const proto::TrafficSelector& ts : selectors) {
    const auto first = address_of(ts.from_address(), field), last = address_of(ts.to_address(), field);
    if (!first || !last) return (first ? last : first).error();
    const auto prefix = Prefix::of_range(*first, *last);
    if (!prefix || ts.protocol() != 0 || ts.from_port() != 0 || ts.to_port() != kAnyPort)
      return invalid(std::string("vpe_child.") + field + ": not a whole prefix");
    out.push_back(*prefix);
  }
  if (out.empty()) return invalid(std::string("vpe_child.") + field + ": none");
  return out;
}

// The message's own copy is wiped.
Result<Secret> key_of(std::string* key, const char* field) {
  Secret out{view_of(*key)};
  OPENSSL_cleanse(key->data(), key->size());
  if (key->size() != 16 + kSalt && key->size() != 32 + kSalt)
    return invalid(std::string("vpe_child.") + field + ": not a key of AES-GCM with its salt");
  return out;
}

Result<Child> child_of(const proto::VpeChild& from) {
  Child out{.ike_sa = {from.sa().initiator_spi(), from.sa().responder_spi()},
            .connection = from.connection(),
            .name = from.child(),
            .reqid = from.reqid(),
            .in = EspSpi{from.inbound_spi()},
            .out = EspSpi{from.outbound_spi()},
            .pending = from.outbound_pending()};
  if (out.in.value < kFirstSpi || out.out.value < kFirstSpi) return invalid("vpe_child: an SPI is reserved");
  const auto peer = address_of(from.remote().address(), "remote");
  if (!peer) return peer.error();
  if (from.remote().port() == 0 || from.remote().port() > kAnyPort)
    return invalid("vpe_child.remote.port: not 1 to 65535");
  out.peer = *peer;
  out.peer_port = static_cast<std::uint16_t>(from.remote().port());
  auto local = prefixes_of(from.local_ts(), "local_ts"), remote = prefixes_of(from.remote_ts(), "remote_ts");
  if (!local || !remote) return (local ? remote : local).error();
  out.local = *std::move(local);
  out.remote = *std::move(remote);
  constexpr std::int64_t longest = 10LL * 365 * 24 * 3600;  // so that it can be added to any time
  if (from.has_delete_in())
    out.delete_in =
        std::chrono::seconds(std::clamp<std::int64_t>(from.delete_in().seconds(), -longest, longest));
  return out;
}

Result<std::optional<Share>> share_of(const proto::VpeChild& from) {
  if (!from.of_cluster()) return std::optional(Share{{}, from.incarnation()});
  if (!from.has_place()) return std::optional<Share>();
  const proto::VpePlace& place = from.place();
  if (place.node() >= vpe::kNodes || place.incarnation() >= vpe::kIncarnations)
    return invalid("vpe_child.place: beyond 16 nodes, 32 incarnations");
  return std::optional(Share{static_cast<std::uint8_t>(place.node()), place.incarnation()});
}

Result<PluginMessage> told(std::uint64_t number, proto::VpeChild* from) {
  auto out = key_of(from->mutable_outbound_key(), "outbound_key"),
       in = key_of(from->mutable_inbound_key(), "inbound_key");
  if (!out || !in) return (out ? in : out).error();
  auto child = child_of(*from);
  if (!child) return child.error();
  const auto share = share_of(*from);
  if (!share) return share.error();
  return PluginMessage{
      number, ToldChild{*std::move(child), from->of_cluster(), *share, *std::move(out), *std::move(in)}};
}

Result<PluginMessage> retire(std::uint64_t number, const proto::VpeRetire& from) {
  if (from.incarnation() == 0 || from.incarnation() >= vpe::kIncarnations)
    return invalid("vpe_retire.incarnation: not 1 to 31");
  return PluginMessage{number, Retire{EspSpi{from.inbound_spi()},
                                      static_cast<std::uint8_t>(from.incarnation()), from.reception()}};
}

Result<PluginMessage> event(proto::Event* from) {
  const std::uint64_t number = from->number();
  if (from->has_vpe_child()) return told(number, from->mutable_vpe_child());
  if (from->has_vpe_gone()) return PluginMessage{number, GoneChild{EspSpi{from->vpe_gone().inbound_spi()}}};
  if (from->has_vpe_retire()) return retire(number, from->vpe_retire());
  if (from->has_synced()) return PluginMessage{number, Synced{}};
  return PluginMessage{number, Unknown{}};
}

}  // namespace

Bytes encode_offer(std::uint64_t id, const Address& own, std::uint16_t port) {
  proto::Request request;
  request.set_id(id);
  proto::Host* host = request.mutable_offer_vpe()->mutable_host();
  host->set_address(std::string(text_of(own.wire())));
  host->set_port(port);
  request.mutable_offer_vpe()->set_renews(true);
  return frame(request);
}

Bytes encode_rekey(std::uint64_t id, const Child& child) {
  proto::Request request;
  request.set_id(id);
  proto::SaId* sa = request.mutable_rekey()->mutable_sa();
  sa->set_initiator_spi(child.ike_sa.initiator_spi);
  sa->set_responder_spi(child.ike_sa.responder_spi);
  request.mutable_rekey()->set_child_inbound_spi(child.in.value);
  return frame(request);
}

Bytes encode_retired(std::uint64_t id, const std::vector<Retirements::Due>& done) {
  proto::Request request;
  request.set_id(id);
  for (const Retirements::Due& one : done) {
    proto::VpeRetire* to = request.mutable_retired_vpe()->add_done();
    to->set_inbound_spi(one.in.value);
    to->set_incarnation(one.below);
    to->set_reception(one.reception);
  }
  return frame(request);
}

Result<PluginMessage> decode_plugin_message(BytesView message) {
  proto::FromPlugin from;
  if (!from.ParseFromArray(message.data(), static_cast<int>(message.size())))
    return invalid("not a message of plugin.proto");
  if (from.has_event()) return event(from.mutable_event());
  if (!from.has_reply()) return PluginMessage{0, Unknown{}};
  const proto::Reply& reply = from.reply();
  return PluginMessage{0, Answer{reply.id(), reply.code() != proto::OK, reply.text()}};
}

std::size_t FrameCutter::length() const {
  return vpe::get_big_endian<std::uint32_t>(bytes_.reveal().data());
}

Result<std::optional<BytesView>> FrameCutter::next() const {
  if (used_ < kHeader) return std::optional<BytesView>();
  if (length() > kLargest) return invalid("a frame is longer than 1 MiB");
  if (used_ < kHeader + length()) return std::optional<BytesView>();
  return std::optional(BytesView(bytes_.reveal().subspan(kHeader, length())));
}

void FrameCutter::take() {
  const std::span<std::uint8_t> all = bytes_.fill();
  const std::size_t size = kHeader + length();
  std::memmove(all.data(), all.data() + size, used_ - size);
  OPENSSL_cleanse(all.data() + used_ - size, size);
  used_ -= size;
}

void FrameCutter::clear() {
  OPENSSL_cleanse(bytes_.fill().data(), used_);
  used_ = 0;
}

}  // namespace hasync::vped
