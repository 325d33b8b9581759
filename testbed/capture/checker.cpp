#include "testbed/capture/checker.h"

namespace hasync::testbed {

namespace {

template <typename... Handlers>
struct Cases : Handlers... {
  using Handlers::operator()...;
};
template <typename... Handlers>
Cases(Handlers...) -> Cases<Handlers...>;  // clang 14 does not deduce it for an aggregate

}  // namespace

void Checker::book(std::span<const std::uint8_t> bytes, std::size_t wire_length, std::int64_t at_ns) {
  ++frames_;
  std::visit(Cases{[&](const EspPacket& packet) { book_esp(packet, at_ns); },
                   [&](const IkeMessage& message) { book_ike(message, at_ns); },
                   [&](const Announcement& announcement) { owners_.book(announcement, at_ns); },
                   [&](const LaterFragment&) { ++fragments_; }, [&](const Keepalive&) { ++keepalives_; },
                   [&](const Other&) { ++others_; }, [&](const Malformed& bad) { ++malformed_[bad.why]; }},
             decode_frame(bytes, wire_length));
}

void Checker::book_esp(const EspPacket& packet, std::int64_t at_ns) {
  if (packet.fragment) ++fragments_;
  sas_.try_emplace({packet.path.destination, packet.spi}, options_.esp).first->second.book(packet, at_ns);
  flows_.try_emplace({packet.path.source, packet.path.destination}, options_.gap_ns)
      .first->second.book(packet, at_ns);
  owners_.book(packet.path, at_ns);
}

void Checker::book_ike(const IkeMessage& message, std::int64_t at_ns) {
  ike_.book(message, at_ns);
  owners_.book(message.path, at_ns);
}

std::uint64_t Checker::sum(std::uint64_t (EspLedger::*count)() const) const {
  std::uint64_t total = 0;
  for (const auto& [key, sa] : sas_) total += (sa.*count)();
  return total;
}

std::vector<std::string> Checker::violations() const {
  std::vector<std::string> found;
  const auto claim = [&found](std::uint64_t count, const std::string& what) {
    if (count > 0) found.push_back(std::to_string(count) + " " + what);
  };
  claim(repeated_numbers(), "ESP packets with a sequence number that was used before on their SA");
  claim(repeated_ivs(), "ESP packets with an explicit IV that was used before on their SA");
  claim(two_owner_packets(),
        "ESP or IKE packets of a node that was heard again though another had taken its place");
  claim(ike_.conflicts(), "IKE messages that reuse a message ID with other content");
  if (!options_.allow_reauthentication)
    claim(ike_.reauthentications(), "authentications after a peer's first");
  claim(dropped_.value_or(0), "frames that the recording missed: the evidence is not complete");
  if (const auto torn = malformed_.find("capture file ends within a frame"); torn != malformed_.end())
    found.emplace_back("capture file ends within a frame: the evidence is not complete");
  return found;
}

}  // namespace hasync::testbed
