#include "ctx-transfer/context_codec.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/bytes.h"
#include "context.pb.h"

namespace hasync::ctx {

namespace {

constexpr std::uint32_t kEsp = 50;
constexpr int kMaxChildren = 256;
constexpr std::uint64_t kMaxNumber32 = 0xffffffff;

Result<Address> address_of(const proto::Host& host, const char* field) {
  const auto address = Address::from_wire(
      {reinterpret_cast<const std::uint8_t*>(host.address().data()), host.address().size()});
  if (!address) return invalid(std::string(field) + ".address: " + address.error().what);
  return *address;
}

std::string text_of(const proto::Identity& id) {
  constexpr std::uint32_t kFqdn = 2, kRfc822 = 3;  // RFC 7296, section 3.5
  const std::string& data = id.data();
  const bool printable = std::ranges::all_of(data, [](unsigned char c) { return c >= 0x20 && c < 0x7f; });
  if ((id.type() == kFqdn || id.type() == kRfc822) && printable) return data;
  std::string out;
  for (const std::uint8_t byte : view_of(data)) {
    std::array<char, 3> hex{};
    std::snprintf(hex.data(), hex.size(), "%02x", byte);
    out += hex.data();
  }
  return out;
}

Result<proto::Context> parse(std::string_view bytes) {
  if (bytes.size() > kMaxContext)
    return invalid("context: " + std::to_string(bytes.size()) + " bytes are too many");
  proto::Context context;
  if (!context.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return invalid("context: is not well formed");
  if (context.major() > kContextMajor) {
    return Error{Errc::Unsupported, "context.major: " + std::to_string(context.major()) + " is newer than " +
                                        std::to_string(kContextMajor) +
                                        ", which is all that this version reads"};
  }
  if (context.major() == 0) return invalid("context.major: is missing");
  if (context.children_size() > kMaxChildren) return invalid("context.children: more than 256");
  return context;
}

}  // namespace

Result<ContextView> decode_context(std::string_view bytes) {
  const auto context = parse(bytes);
  if (!context) return context.error();
  const proto::IkeSa& ike = context->ike();
  ContextView out;
  out.sa = {ike.initiator_spi(), ike.responder_spi()};
  if (out.sa.initiator_spi == 0) return invalid("context.ike.initiator_spi: is 0");
  if (out.sa.responder_spi == 0) return invalid("context.ike.responder_spi: is 0");
  const auto local = address_of(ike.local(), "context.ike.local");
  if (!local) return local.error();
  const auto peer = address_of(ike.remote(), "context.ike.remote");
  if (!peer) return peer.error();
  if (ike.remote().port() > 65535) return invalid("context.ike.remote.port: is above 65535");
  out.local = *local;
  out.peer = *peer;
  out.peer_port = static_cast<std::uint16_t>(ike.remote().port());
  out.connection = ike.connection();
  out.remote_id = text_of(ike.remote_id());
  for (const proto::ChildSa& child : context->children()) {
    if (child.protocol() != kEsp) continue;
    if (child.outbound_spi() == 0) return invalid("context.children.outbound_spi: is 0");
    out.children.push_back({child.name(),
                            EspSpi{child.inbound_spi()},
                            {*peer, EspSpi{child.outbound_spi()}},
                            child.esn(),
                            child.outbound_number(),
                            child.vpe_port() != 0,
                            child.vpe_counted()});
  }
  return out;
}

Result<Secret> with_numbers(std::string_view bytes, const std::map<OutboundKey, std::uint64_t>& numbers,
                            const WindowTop& window, const std::vector<EspSpi>& left_out) {
  auto context = parse(bytes);
  if (!context) return context.error();
  const auto peer = address_of(context->ike().remote(), "context.ike.remote");
  if (!peer) return peer.error();
  const auto local = address_of(context->ike().local(), "context.ike.local");
  if (!local) return local.error();
  auto& children = *context->mutable_children();
  const auto kept = std::remove_if(children.begin(), children.end(), [&](const proto::ChildSa& child) {
    return std::ranges::find(left_out, EspSpi{child.outbound_spi()}) != left_out.end();
  });
  children.erase(kept, children.end());
  for (proto::ChildSa& child : children) {
    const auto number = numbers.find({*peer, EspSpi{child.outbound_spi()}});
    if (number != numbers.end()) child.set_outbound_number(number->second);
    if (child.protocol() != kEsp || !window) continue;
    const std::uint64_t top = window({*local, EspSpi{child.inbound_spi()}}, child.inbound_top());
    if (top <= child.inbound_top() || (!child.esn() && top > kMaxNumber32)) continue;
    child.set_inbound_top(top);
    child.clear_replay_bitmap();  // what it does not show counts as seen
  }
  return Secret(view_of(context->SerializeAsString()));
}

}  // namespace hasync::ctx
