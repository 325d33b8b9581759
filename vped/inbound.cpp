#include "vped/inbound.h"

#include <algorithm>

namespace hasync::vped {

std::uint32_t worker_of(BytesView packet, std::uint32_t workers) {
  constexpr std::size_t needed = 8;  // SPI, SenderID, WindowID
  if (packet.size() < needed) return 0;
  const auto name = vpe::get_big_endian<std::uint32_t>(packet.data() + 4);
  return vpe::lane({vpe::SenderId{static_cast<std::uint16_t>(name >> 16)},
                    vpe::WindowId{static_cast<std::uint16_t>(name)}}) %
         workers;
}

Inbound::Inbound(const Routes& routes, std::span<const Tunnel> tunnels, Counts& counts,
                 std::vector<std::unique_ptr<vpe::Receiver>> receivers, std::uint32_t worker,
                 std::uint32_t workers)
    : routes_(routes), counts_(counts), receivers_(std::move(receivers)), worker_(worker), workers_(workers) {
  for (std::size_t i = 0; i < tunnels.size(); ++i) known_.push_back({tunnels[i].spi_in, i});
  std::ranges::sort(known_, {}, &Known::spi);
}

void Inbound::put(std::size_t tunnel, EspSpi spi, std::unique_ptr<vpe::Receiver> receiver) {
  if (tunnel >= receivers_.size()) receivers_.resize(tunnel + 1);
  std::erase_if(known_, [&](const Known& known) { return known.tunnel == tunnel; });
  if (receiver) known_.push_back({spi, tunnel});
  std::ranges::sort(known_, {}, &Known::spi);
  last_ = nullptr;
  receivers_[tunnel] = std::move(receiver);
}

void Inbound::take(std::span<std::uint8_t> datagrams, std::size_t segment) {
  if (segment == 0) segment = datagrams.size();
  if (datagrams.empty()) counts_.drop(Cause::Truncated);
  while (!datagrams.empty()) {
    const std::size_t size = std::min(segment, datagrams.size());
    sort_in(datagrams.first(size));
    datagrams = datagrams.subspan(size);
  }
  open();
}

const Inbound::Known* Inbound::find(EspSpi spi) {
  if (last_ != nullptr && last_->spi == spi) return last_;
  const auto found = std::ranges::lower_bound(known_, spi, {}, &Known::spi);
  if (found == known_.end() || found->spi != spi) return nullptr;
  return last_ = &*found;
}

void Inbound::sort_in(std::span<std::uint8_t> packet) {
  Counts::add(counts_.received);
  if (packet.size() < vpe::kHeaderSize + vpe::kSmallestPayload) return counts_.drop(Cause::Truncated);
  const Known* known = find(EspSpi{vpe::get_big_endian<std::uint32_t>(packet.data())});
  if (known == nullptr) return counts_.drop(Cause::ForeignSpi);
  if (const std::uint32_t worker = worker_of(packet, workers_); worker != worker_) {
    strays_.push_back({worker, packet});
    return;
  }
  if (filled_ == kBatch || (filled_ > 0 && tunnel_ != known->tunnel)) open();
  tunnel_ = known->tunnel;
  vpe::Packet& next = batch_[filled_] = {};
  lay_out(packet, next, pieces_[filled_]);
  ++filled_;
}

void Inbound::open() {
  if (filled_ == 0) return;
  const std::span<vpe::Packet> batch(batch_.data(), filled_);
  receivers_[tunnel_]->open(batch);
  for (std::size_t i = 0; i < filled_; ++i)
    if (batch[i].drop == vpe::Drop::None) deliver(batch[i], {pieces_[i].to, batch[i].size});
  filled_ = 0;
}

// RFC 4301, section 5.2, step 4: what was authentic must also be what this tunnel is for.
void Inbound::deliver(const vpe::Packet& opened, std::span<std::uint8_t> packet) {
  const vpe::Header header =
      vpe::decode(std::span<const std::uint8_t, vpe::kIcvAt>(opened.header, vpe::kIcvAt));
  if (routes_.is_own(tunnel_, header.name.sender)) return counts_.drop(Cause::OwnSender);
  const auto inner = look_at(packet);
  if (!inner || !routes_.may_come(tunnel_, inner->source, inner->destination))
    return counts_.drop(Cause::Selector);
  merge_.add(packet, *inner);
}

void Inbound::clear() {
  merge_.clear();
  strays_.clear();
}

}  // namespace hasync::vped
