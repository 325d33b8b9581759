#include "tests/support/vpe_packets.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "vpe/adapters/gcm_providers.h"

namespace hasync::vpe::test {

namespace {

template <typename T>
T must(Result<T> result) {
  if (result) return std::move(result).value();
  std::fprintf(stderr, "%s\n", result.error().what.c_str());
  std::abort();
}

void fill_from(Bytes& packet, std::size_t start, std::uint8_t fill) {
  for (std::size_t i = start; i < packet.size(); ++i) packet[i] = static_cast<std::uint8_t>(i * 7 + fill);
}

std::uint8_t low(std::size_t value) {
  return static_cast<std::uint8_t>(value);
}

// In place, with the room that ESP needs at the end.
template <typename Any>
Sealed seal_in_place(Any& sender, BytesView inner, std::uint8_t traffic_class, std::size_t header,
                     std::size_t room) {
  Sealed out;
  out.wire.resize(header + inner.size() + room);
  std::uint8_t* const payload = out.wire.data() + header;
  std::ranges::copy(inner, payload);
  const Piece piece{payload, payload, inner.size()};
  Packet packet{.header = out.wire.data(), .pieces = {&piece, 1}, .traffic_class = traffic_class};
  sender.seal({&packet, 1});
  out.drop = packet.drop;
  out.wire.resize(packet.size);
  return out;
}

template <typename Any, typename LayOut>
Opened open_in_place(Any& receiver, Bytes& wire, std::size_t header, LayOut lay_out) {
  Packet packet;
  Piece piece;
  lay_out(wire, packet, piece, nullptr);
  receiver.open({&packet, 1});
  Opened out{packet.drop, {}, packet.traffic_class};
  if (packet.drop == Drop::None) out.inner.assign(wire.data() + header, wire.data() + header + packet.size);
  return out;
}

}  // namespace

Bytes ipv4(std::size_t size, std::uint8_t fill) {
  Bytes packet(size);
  fill_from(packet, 4, fill);
  packet[0] = 0x45;
  packet[1] = 0;
  packet[2] = low(size >> 8);
  packet[3] = low(size);
  return packet;
}

Bytes ipv6(std::size_t size, std::uint8_t fill) {
  Bytes packet(size);
  fill_from(packet, 6, fill);
  packet[0] = 0x60;
  packet[4] = low((size - 40) >> 8);
  packet[5] = low(size - 40);
  return packet;
}

Bytes key(std::size_t size, std::uint8_t first) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::uint8_t>(first + i);
  return out;
}

std::unique_ptr<Gcm> gcm(std::string_view library, BytesView key) {
  return must(must(make_gcm_provider(library))->make(key));
}

std::unique_ptr<Sender> sender(std::unique_ptr<Gcm> gcm, const Sender::Options& options) {
  return must(Sender::create(std::move(gcm), options));
}

std::unique_ptr<Receiver> receiver(std::unique_ptr<Gcm> gcm, const Receiver::Options& options) {
  return must(Receiver::create(std::move(gcm), options));
}

Sealed try_seal(Sender& sender, BytesView inner, std::uint8_t traffic_class) {
  return seal_in_place(sender, inner, traffic_class, kHeaderSize, 0);
}

Sealed try_seal(EspSender& sender, BytesView inner) {
  return seal_in_place(sender, inner, 0, kEspHeaderSize, kEspRoom);
}

Bytes seal(Sender& sender, BytesView inner, std::uint8_t traffic_class) {
  Sealed sealed = try_seal(sender, inner, traffic_class);
  if (sealed.drop != Drop::None) std::abort();
  return std::move(sealed.wire);
}

Bytes seal(EspSender& sender, BytesView inner) {
  Sealed sealed = try_seal(sender, inner);
  if (sealed.drop != Drop::None) std::abort();
  return std::move(sealed.wire);
}

Opened open(Receiver& receiver, Bytes wire) {
  return open_in_place(receiver, wire, kHeaderSize, lay_out);
}

Opened open(EspReceiver& receiver, Bytes wire) {
  return open_in_place(receiver, wire, kEspHeaderSize, lay_out_esp);
}

}  // namespace hasync::vpe::test
