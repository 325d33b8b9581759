#include "tests/support/ring_random.h"

namespace hasync::hasyncd {

Address RingRandom::address() {
  const std::uint64_t bits = engine_();
  const auto byte = [&](int i) { return static_cast<std::uint8_t>(bits >> (8 * i)); };
  if (coin()) return Address::v4(byte(0), byte(1), byte(2), byte(3));
  Address out;
  out.bytes = {0x20,    0x01,    0x0d,    0xb8,    0,       0,       0,       0,
               byte(0), byte(1), byte(2), byte(3), byte(4), byte(5), byte(6), byte(7)};
  return out;
}

OutboundKey RingRandom::key() {
  return {address(), EspSpi{static_cast<std::uint32_t>(nonzero())}};
}

Delta RingRandom::delta() {
  Delta out;
  out.sa = sa();
  out.version = number();
  out.peer = address();
  for (std::size_t i = below(4); i > 0; --i)
    out.outbound.push_back(
        {key(), coin(), number(), EspSpi{static_cast<std::uint32_t>(number())}, coin(), coin()});
  for (std::size_t i = below(80); i > 0; --i) out.sealed.push_back(static_cast<char>(engine_()));
  return out;
}

std::vector<Lease> RingRandom::leases() {
  std::vector<Lease> out;
  for (std::size_t i = below(5); i > 0; --i) {
    const std::uint64_t end = number();
    out.push_back({key(), end, coin() ? end / 2 : 0});
  }
  return out;
}

Propose RingRandom::propose() {
  Propose out;
  out.epoch = Epoch{nonzero()};
  out.members.emplace_back(1 + static_cast<std::uint32_t>(below(5)));
  for (std::uint32_t i = 10; i < 20; ++i) {
    if (coin()) (coin() ? out.members : out.excluded).emplace_back(i);
  }
  return out;
}

Sync RingRandom::sync() {
  return {process(), Epoch{nonzero()}, Epoch{number()}, coin(), Epoch{number()}, Epoch{number()}, number(),
          number(),  coin(),           coin(),          coin(), coin(),          coin(),          coin()};
}

Entry RingRandom::entry() {
  Entry out;
  out.epoch = Epoch{nonzero()};
  switch (below(5)) {
    case 4:
      out.body = VpeBegin{nonzero()};
      break;
    case 0:
      out.body = delta();
      break;
    case 1:
      out.body = Gone{sa()};
      break;
    case 2:
      out.body = Grant{leases()};
      break;
    default:
      out.body = Move{node()};
      break;
  }
  return out;
}

std::vector<VpeTaken> RingRandom::vpe() {
  std::vector<VpeTaken> out;
  for (std::size_t i = below(3); i > 0; --i) {
    VpeTaken& one = out.emplace_back();
    one.spi = key().spi;
    for (std::uint8_t& taken : one.taken) taken = static_cast<std::uint8_t>(below(kVpeSpent + 1));
  }
  return out;
}

Snapshot RingRandom::snapshot() {
  Snapshot out;
  out.epoch = Epoch{nonzero()};
  out.parts = static_cast<std::uint32_t>(1 + below(kMaxSnapshotParts));
  out.part = static_cast<std::uint32_t>(below(out.parts));
  if (coin()) out.owner = process();
  for (std::size_t i = below(4); i > 0; --i) out.sas.push_back({delta(), leases(), vpe()});
  const std::size_t vpeds = below(4);
  for (std::uint8_t i = 0; i < vpeds; ++i) out.vpe_nodes.push_back({NodeId{7U + i}, i, nonzero()});
  for (std::size_t i = below(4); i > 0; --i) out.ended.push_back({key().spi, number()});
  return out;
}

RingMessage RingRandom::message() {
  RingMessage out;
  out.incarnation = Incarnation{number()};
  out.number = number();
  switch (below(6)) {
    case 0:
      out.body = propose();
      break;
    case 1:
      out.body = sync();
      break;
    case 2:
      out.body = Evict{node()};
      break;
    case 3:
      out.body = Hello{};
      break;
    case 4:
      out.body = entry();
      break;
    default:
      out.body = snapshot();
      break;
  }
  return out;
}

AboutCharon RingRandom::charon() {
  AboutCharon out{"5.9.8", "0.1.0", 0xc1000000, 0xc1ffffff, {}, static_cast<std::uint32_t>(below(3))};
  for (std::size_t i = below(4); i > 0; --i) {
    AboutConnection& connection = out.connections.emplace_back();
    connection.name = "branch-" + std::to_string(i);
    for (std::size_t k = below(3); k > 0; --k) connection.children.push_back("net-" + std::to_string(k));
  }
  return out;
}

Aside RingRandom::aside() {
  Aside out{Incarnation{number()}, number(), Ask{}};
  if (coin()) return out;
  About& about = out.body.emplace<About>();
  about = {process(), number(), "0.1.0", number(), {}};
  if (coin()) about.charon = charon();
  return out;
}

Windows RingRandom::windows() {
  Windows out;
  out.round = nonzero();
  out.since = below(out.round);
  out.parts = static_cast<std::uint32_t>(1 + below(kMaxWindowParts));
  out.part = static_cast<std::uint32_t>(below(out.parts));
  out.let_in = number();
  out.open = number();
  out.last = coin();
  const Address own = address();
  for (std::size_t i = below(4); i > 0; --i) {
    out.tops.push_back({{own, EspSpi{static_cast<std::uint32_t>(nonzero())}}, number()});
  }
  return out;
}

Heartbeat RingRandom::heartbeat() {
  Heartbeat out{process(), number(), Epoch{number()}, number(), number(), number(), coin(), coin(), {}, {},
                {},        {},       number(),        number(), number(), number(), {},     0};
  out.refused = static_cast<std::uint32_t>(below(65'536));
  for (std::size_t i = below(kMaxMembers); i > 0; --i) out.acks.push_back({process(), number()});
  if (coin()) out.owner = process();
  for (std::size_t i = below(kMaxMembers); i > 0; --i) {
    out.heard.push_back({process(), number(), number(), number(), coin(), coin(), number()});
  }
  for (std::size_t i = below(kMaxKeyIds + 1); i > 0; --i) {
    out.keys.push_back(static_cast<std::uint32_t>(number()));
  }
  if (!coin()) return out;
  out.windows = windows();
  out.acks.clear();
  out.heard.clear();
  return out;
}

}  // namespace hasync::hasyncd
