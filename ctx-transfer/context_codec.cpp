#include "ctx-transfer/context_codec.h"

#include <cstdio>
#include <set>

#include "base/bytes.h"
#include "context.pb.h"

namespace hasync::ctx {
namespace {

Result<proto::Context> parse(std::string_view bytes) {
  proto::Context context;
  if (!context.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return invalid("context: not a message of context.proto");
  }
  if (context.major() == 0) return invalid("context.major: 0");
  if (context.major() > kContextMajor) {
    return Error{Errc::Unsupported, "context.major: " + std::to_string(context.major()) + " is newer than " +
                                        std::to_string(kContextMajor) + ", which this program understands"};
  }
  return context;
}

Status read_host(const proto::Host& host, const char* field, Address& address, std::uint16_t& port) {
  auto parsed = Address::from_wire(view_of(host.address()));
  if (!parsed) return invalid(std::string(field) + ".address: " + parsed.error().what);
  if (host.port() > 65535) return invalid(std::string(field) + ".port: above 65535");
  address = *parsed;
  port = static_cast<std::uint16_t>(host.port());
  return Done{};
}

std::string printable(const std::string& data) {
  std::string text;
  for (const char byte : data) {
    if (byte >= ' ' && byte <= '~') {
      text += byte;
    } else {
      char hex[5];
      std::snprintf(hex, sizeof hex, "\\x%02x", static_cast<unsigned char>(byte));
      text += hex;
    }
  }
  return text;
}

// RFC 7296, section 3.5: types 1 and 5 are addresses, the others are text or DER.
std::string print_identity(const proto::Identity& id) {
  if (id.type() == 1 || id.type() == 5) {
    if (auto address = Address::from_wire(view_of(id.data()))) return to_string(*address);
  }
  return printable(id.data());
}

Result<ChildView> read_child(const proto::ChildSa& child, const Address& peer) {
  if (child.inbound_spi() < 256 || child.outbound_spi() < 256) {
    return invalid("context.children: an SPI below 256");  // RFC 4303, section 2.1: reserved
  }
  if (!child.esn() && (child.outbound_number() >> 32 || child.inbound_top() >> 32)) {
    return invalid("context.children: a number above 2^32 - 1 without ESN");
  }
  ChildView view;
  view.name = child.name();
  view.inbound_spi = EspSpi{child.inbound_spi()};
  view.outbound_spi = EspSpi{child.outbound_spi()};
  view.esn = child.esn();
  view.outbound_number = child.outbound_number();
  view.inbound_top = child.inbound_top();
  view.installed = child.installed();
  view.outbound = {peer, view.outbound_spi};
  return view;
}

Status read_children(const proto::Context& context, ContextView& view) {
  std::set<EspSpi> seen;
  for (const auto& child : context.children()) {
    auto read = read_child(child, view.peer);
    if (!read) return read.error();
    if (!seen.insert(read->inbound_spi).second) return invalid("context.children.inbound_spi: not unique");
    view.children.push_back(std::move(*read));
  }
  return Done{};
}

}  // namespace

Result<ContextView> decode_context(std::string_view bytes) {
  auto context = parse(bytes);
  if (!context) return context.error();
  const auto& ike = context->ike();
  if (ike.initiator_spi() == 0 || ike.responder_spi() == 0) return invalid("context.ike: an SPI is 0");
  if (ike.connection().empty()) return invalid("context.ike.connection: empty");

  ContextView view;
  view.id = {ike.initiator_spi(), ike.responder_spi()};
  view.connection = ike.connection();
  view.peer_id = print_identity(ike.has_remote_eap_id() ? ike.remote_eap_id() : ike.remote_id());
  view.closing = ike.closing();
  view.established_ago = std::chrono::seconds(ike.established_ago());
  if (auto read = read_host(ike.local(), "context.ike.local", view.local, view.local_port); !read) return read.error();
  if (auto read = read_host(ike.remote(), "context.ike.remote", view.peer, view.peer_port); !read) return read.error();
  if (auto read = read_children(*context, view); !read) return read.error();
  return view;
}

Result<std::string> with_outbound_numbers(std::string_view bytes, const std::map<EspSpi, std::uint64_t>& numbers) {
  auto context = parse(bytes);
  if (!context) return context.error();
  for (auto& child : *context->mutable_children()) {
    const auto number = numbers.find(EspSpi{child.outbound_spi()});
    if (number == numbers.end()) continue;
    if (!child.esn() && number->second >> 32) return invalid("context.children.outbound_number: above 2^32 - 1 without ESN");
    child.set_outbound_number(number->second);
  }
  return context->SerializeAsString();
}

}  // namespace hasync::ctx
