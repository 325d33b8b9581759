#include "hasyncd/wire/aside_codec.h"

#include "hasyncd/wire/field_error.h"
#include "ring.pb.h"

namespace hasync::hasyncd {
namespace {

namespace wire = proto::ring;

constexpr std::uint32_t kMajor = 1;

void put(const AboutCharon& from, wire::About::Charon* to) {
  to->set_version(from.version);
  to->set_plugin(from.plugin);
  to->set_spi_min(from.spi_min);
  to->set_spi_max(from.spi_max);
  for (const AboutConnection& connection : from.connections) {
    wire::About::Connection* out = to->add_connections();
    out->set_name(connection.name);
    for (const std::string& child : connection.children) out->add_children(child);
  }
  to->set_connections_left_out(from.left_out);
}

void put(const About& from, wire::About* to) {
  to->mutable_asker()->set_node(from.asker.node.value);
  to->mutable_asker()->set_incarnation(from.asker.incarnation.value);
  to->set_asked(from.asked);
  to->set_version(from.version);
  to->set_clock_ns(from.clock_ns);
  if (from.charon) put(*from.charon, to->mutable_charon());
}

Problem check_name(const std::string& name, const char* field) {
  if (name.size() <= kMaxName) return {};
  return at(field, "longer than 255 bytes");
}

Problem take(const wire::About::Charon& from, AboutCharon* to) {
  if (Problem p = check_name(from.version(), "about.charon.version")) return p;
  if (Problem p = check_name(from.plugin(), "about.charon.plugin")) return p;
  if (static_cast<std::size_t>(from.connections_size()) > kMaxConnections)
    return at("about.charon.connections", "more than 4096 of them");
  if (from.spi_min() > from.spi_max()) return at("about.charon.spi_min", "is above spi_max");
  for (const wire::About::Connection& connection : from.connections()) {
    if (Problem p = check_name(connection.name(), "about.charon.connections.name")) return p;
    for (const std::string& child : connection.children()) {
      if (Problem p = check_name(child, "about.charon.connections.children")) return p;
    }
    to->connections.push_back(
        {connection.name(), {connection.children().begin(), connection.children().end()}});
  }
  to->version = from.version();
  to->plugin = from.plugin();
  to->spi_min = from.spi_min();
  to->spi_max = from.spi_max();
  to->left_out = from.connections_left_out();
  return {};
}

Problem take(const wire::About& from, About* to) {
  if (from.asker().node() == 0) return at("about.asker.node", "is missing or 0");
  if (Problem p = check_name(from.version(), "about.version")) return p;
  if (from.has_charon()) {
    if (Problem p = take(from.charon(), &to->charon.emplace())) return p;
  }
  to->asker = {NodeId{from.asker().node()}, Incarnation{from.asker().incarnation()}};
  to->asked = from.asked();
  to->version = from.version();
  to->clock_ns = from.clock_ns();
  return {};
}

}  // namespace

Bytes encode(const Aside& aside) {
  wire::RingMessage out;
  out.set_major(kMajor);
  out.set_incarnation(aside.incarnation.value);
  out.set_number(aside.number);
  if (const About* about = std::get_if<About>(&aside.body)) {
    put(*about, out.mutable_about());
  } else {
    out.mutable_ask();
  }
  Bytes bytes(out.ByteSizeLong());
  out.SerializeToArray(bytes.data(), static_cast<int>(bytes.size()));
  return bytes;
}

Result<Aside> decode_aside(BytesView bytes) {
  wire::RingMessage in;
  if (bytes.size() > kMaxRingMessage || !in.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return invalid("message: too large, or not Protobuf");
  if (in.major() != kMajor) return Error{Errc::Unsupported, "field major: not 1"};
  Aside out{.incarnation = Incarnation{in.incarnation()}, .number = in.number()};
  if (in.has_ask()) return out;
  if (!in.has_about()) return Error{Errc::Unsupported, "field message: of a kind that is not known here"};
  if (Problem p = take(in.about(), &out.body.emplace<About>())) return *p;
  return out;
}

}  // namespace hasync::hasyncd
