// One worker's way from the inside to the outside: which tunnel, cut, seal. Without input or output.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "vpe/sender.h"
#include "vped/counts.h"
#include "vped/outbox.h"
#include "vped/split.h"
#include "vped/tunnel.h"

namespace hasync::vped {

class Outbound {
 public:
  // What one packet from the inside can become at most.
  static constexpr std::size_t kMostForOne = std::size_t{1} << 18;

  // One sender for each of the tunnels.
  Outbound(const Routes& routes, std::span<const Tunnel> tunnels, Counts& counts,
           std::vector<std::unique_ptr<vpe::Sender>> senders);

  // The tunnel is there from now on, or has another sender; none: no route leads to it.
  void put(std::size_t tunnel, std::unique_ptr<vpe::Sender> sender);
  // It is there, and had none.
  void give(std::size_t tunnel, std::unique_ptr<vpe::Sender> sender) { senders_[tunnel] = std::move(sender); }

  // Fresh windows, where the tunnel has a sender.
  void renew(std::size_t tunnel, std::uint8_t incarnation) {
    if (senders_[tunnel]) (void)senders_[tunnel]->move_to(incarnation);
  }

  // Inner packets to this tunnel are this long at most. 0: there is no path to the peer.
  void set_mtu(std::size_t tunnel, std::size_t mtu) { mtus_[tunnel] = mtu; }
  std::size_t mtu(std::size_t tunnel) const { return mtus_[tunnel]; }

  bool has_room() const { return outbox_.has_room_for(kMostForOne); }
  // There is room. The packet's bytes are altered.
  void take(const Offload& offload, std::span<std::uint8_t> packet);

  const Outbox& outbox() const { return outbox_; }
  std::span<const Bytes> answers() const { return answers_; }  // packets for the inside
  void clear();

  const vpe::Sender* sender(std::size_t tunnel) const { return senders_[tunnel].get(); }

 private:
  static constexpr std::size_t kBatch = 64;
  void refuse(BytesView packet, const Inner& inner, std::size_t mtu);
  void seal(std::size_t tunnel, const Inner& inner, const Split& split);
  void seal_some(std::size_t tunnel, const Inner& inner, const Split& split, std::size_t first,
                 std::size_t count);

  const Routes& routes_;
  Counts& counts_;
  std::vector<std::unique_ptr<vpe::Sender>> senders_;
  std::vector<std::size_t> mtus_;
  Outbox outbox_;
  std::vector<Bytes> answers_;
  std::array<std::array<std::uint8_t, Split::kLargestHeader>, kBatch> headers_;
  std::array<std::array<vpe::Piece, 2>, kBatch> pieces_;
  std::array<vpe::Packet, kBatch> batch_;
};

}  // namespace hasync::vped
