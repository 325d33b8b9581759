#include "clusterip/arp_frame.h"

#include <algorithm>

namespace hasync::clusterip {
namespace {

constexpr Mac kEverybody{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
// EtherType ARP; hardware type Ethernet, protocol type IPv4, lengths 6 and 4
constexpr std::array<std::uint8_t, 8> kFixed{0x08, 0x06, 0x00, 0x01, 0x08, 0x00, 6, 4};

}  // namespace

ArpFrame gratuitous_arp(ArpForm form, const Mac& sender, const Address& address) {
  const bool reply = form == ArpForm::Reply;
  const std::array<std::uint8_t, 2> operation{0, static_cast<std::uint8_t>(reply ? 2 : 1)};
  ArpFrame frame{};
  auto at = frame.begin();
  const auto put = [&at](const auto& bytes) { at = std::ranges::copy(bytes, at).out; };
  put(kEverybody);
  put(sender);
  put(kFixed);
  put(operation);
  put(sender);
  put(address.wire());
  put(reply ? sender : Mac{});  // a request has no target MAC to name
  put(address.wire());
  return frame;
}

}  // namespace hasync::clusterip
