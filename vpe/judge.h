// What both engines ask of a packet: a payload in pieces, looked at as one; what a window's verdict means for
// it.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>

#include "vpe/packet.h"
#include "vpe/packets.h"
#include "vpe/replay_window.h"

namespace hasync::vpe {

inline std::size_t size_of(std::span<const Piece> pieces) {
  std::size_t size = 0;
  for (const Piece& piece : pieces) size += piece.size;
  return size;
}

inline Drop judge_payload_size(std::size_t size) {
  if (size < kSmallestPayload) return Drop::Truncated;
  return size > kLargestPayload ? Drop::Oversized : Drop::None;
}

// Length of the IP packet that the payload holds, before (`Piece::from`) or after (`Piece::to`) the cipher.
// Nothing: it is none.
inline std::optional<std::size_t> inner_size_of(std::span<const Piece> pieces, bool after,
                                                std::size_t available) {
  const auto start = [after](const Piece& piece) { return after ? piece.to : piece.from; };
  constexpr std::size_t needed = 6;
  if (pieces[0].size >= needed) return inner_size({start(pieces[0]), needed}, available);
  std::array<std::uint8_t, needed> head{};
  std::size_t have = 0;
  for (const Piece& piece : pieces) {
    const std::size_t here = std::min(piece.size, needed - have);
    if (here != 0) std::memcpy(head.data() + have, start(piece), here);
    have += here;
  }
  return inner_size({head.data(), have}, available);
}

// A packet in one buffer, made ready for open(): header, then a payload of at least `smallest` bytes.
inline Drop lay_out_behind(std::size_t header, std::size_t smallest, std::span<std::uint8_t> wire,
                           Packet& packet, Piece& piece, std::uint8_t* to) {
  packet.drop = wire.size() < header + smallest ? Drop::Truncated
                : wire.size() > kLargestPacket  ? Drop::Oversized
                                                : Drop::None;
  if (packet.drop != Drop::None) return packet.drop;
  packet.header = wire.data();
  const std::span<std::uint8_t> payload = wire.subspan(header);
  piece = {payload.data(), to != nullptr ? to : payload.data(), payload.size()};
  packet.pieces = {&piece, 1};
  return Drop::None;
}

inline Drop drop_for(Verdict verdict) {
  if (verdict == Verdict::Fresh) return Drop::None;
  return verdict == Verdict::Replayed ? Drop::Replayed : Drop::Late;
}

}  // namespace hasync::vpe
