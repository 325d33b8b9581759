// One worker's way from the outside to the inside: which tunnel, open, may it come, join. Without input or
// output.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <vector>

#include "vpe/receiver.h"
#include "vped/counts.h"
#include "vped/merge.h"
#include "vped/tunnel.h"

namespace hasync::vped {

// Of which worker's windows a packet's is (vpe/packet.h, lane). As steering.h has the kernel do it.
std::uint32_t worker_of(BytesView packet, std::uint32_t workers);

class Inbound {
 public:
  // One receiver for each of the tunnels.
  Inbound(const Routes& routes, std::span<const Tunnel> tunnels, Counts& counts,
          std::vector<std::unique_ptr<vpe::Receiver>> receivers, std::uint32_t worker, std::uint32_t workers);

  struct Stray {
    std::uint32_t worker = 0;  // whose it is
    BytesView packet;
  };
  // A datagram, or several of `segment` bytes (the last may be shorter) that the kernel has put together.
  // Opened in place; the bytes stay until clear(). What is another worker's is in strays() afterwards.
  void take(std::span<std::uint8_t> datagrams, std::size_t segment);
  std::span<const Joined> finish() { return merge_.finish(); }
  std::span<const Stray> strays() const { return strays_; }
  void clear();

  // The tunnel is there from now on; none: it is gone. Not while packets are between take() and clear().
  void put(std::size_t tunnel, EspSpi spi, std::unique_ptr<vpe::Receiver> receiver);

  vpe::Receiver& receiver(std::size_t tunnel) { return *receivers_[tunnel]; }

 private:
  static constexpr std::size_t kBatch = 64;
  struct Known {
    EspSpi spi;
    std::size_t tunnel = 0;
  };
  const Known* find(EspSpi spi);
  void sort_in(std::span<std::uint8_t> packet);
  void open();  // what is in the batch
  void deliver(const vpe::Packet& opened, std::span<std::uint8_t> packet);

  const Routes& routes_;
  Counts& counts_;
  std::vector<std::unique_ptr<vpe::Receiver>> receivers_;
  std::vector<Known> known_;  // by SPI
  const Known* last_ = nullptr;
  std::uint32_t worker_, workers_;
  std::array<vpe::Packet, kBatch> batch_;
  std::array<vpe::Piece, kBatch> pieces_;
  std::size_t filled_ = 0;
  std::size_t tunnel_ = 0;  // whose packets are in the batch
  Merge merge_;
  std::vector<Stray> strays_;
};

}  // namespace hasync::vped
