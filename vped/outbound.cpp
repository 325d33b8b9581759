#include "vped/outbound.h"

#include <algorithm>

#include "vped/too_big.h"

namespace hasync::vped {

Outbound::Outbound(const Routes& routes, std::span<const Tunnel> tunnels, Counts& counts,
                   std::vector<std::unique_ptr<vpe::Sender>> senders)
    : routes_(routes),
      counts_(counts),
      senders_(std::move(senders)),
      mtus_(tunnels.size(), vpe::kLargestPayload) {}

void Outbound::put(std::size_t tunnel, std::unique_ptr<vpe::Sender> sender) {
  if (tunnel >= senders_.size()) senders_.resize(tunnel + 1);
  mtus_.resize(senders_.size(), vpe::kLargestPayload);
  senders_[tunnel] = std::move(sender);
}

void Outbound::take(const Offload& offload, std::span<std::uint8_t> packet) {
  Counts::add(counts_.read);
  const auto inner = look_at(packet);
  if (!inner || inner->size != packet.size()) return counts_.drop(Cause::NotIp);
  const auto tunnel = routes_.find(inner->source, inner->destination);
  if (!tunnel) return counts_.drop(Cause::NoTunnel);
  if (mtus_[*tunnel] == 0) return counts_.drop(Cause::NotSent);
  auto split = Split::create(offload, packet, *inner);
  if (split && split->header() == 0 && packet.size() > mtus_[*tunnel])
    if (auto fragments = Split::fragments(packet, *inner, mtus_[*tunnel])) split = fragments;
  // what one packet can become is bounded, and so are its segments: none without payload to speak of
  if (!split || packet.size() + split->count() * (vpe::kHeaderSize + split->header()) > kMostForOne)
    return counts_.drop(Cause::BadOffload);
  if (split->largest() > mtus_[*tunnel]) return refuse(packet, *inner, mtus_[*tunnel]);
  seal(*tunnel, *inner, *split);
}

void Outbound::refuse(BytesView packet, const Inner& inner, std::size_t mtu) {
  counts_.drop(Cause::TooBig);
  auto answer = too_big(packet, inner, mtu);
  if (!answer) return;
  Counts::add(counts_.told_too_big);
  answers_.push_back(*std::move(answer));
}

void Outbound::seal(std::size_t tunnel, const Inner& inner, const Split& split) {
  for (std::size_t first = 0; first < split.count(); first += kBatch)
    seal_some(tunnel, inner, split, first, std::min(kBatch, split.count() - first));
}

// From the buffer of the inside into the outbox: the cipher is the copy.
void Outbound::seal_some(std::size_t tunnel, const Inner& inner, const Split& split, std::size_t first,
                         std::size_t count) {
  const std::uint8_t traffic_class = vpe::class_of_dscp(inner.dscp);
  std::uint8_t* out = outbox_.at(outbox_.used());
  for (std::size_t i = 0; i < count; ++i) {
    const BytesView payload = split.payload(first + i);
    std::uint8_t* const sealed = out + vpe::kHeaderSize;
    std::span<vpe::Piece> pieces = pieces_[i];
    if (split.header() != 0) split.write_header(first + i, headers_[i].data());
    pieces[0] = {headers_[i].data(), sealed, split.header()};
    pieces[1] = {payload.data(), sealed + split.header(), payload.size()};
    batch_[i] = {.header = out,
                 .pieces = split.header() == 0 ? pieces.last(1) : pieces,
                 .traffic_class = traffic_class};
    out = sealed + split.header() + payload.size();
  }
  senders_[tunnel]->seal({batch_.data(), count});
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t size = vpe::kHeaderSize + split.header() + split.payload(first + i).size();
    if (batch_[i].drop == vpe::Drop::None) {
      outbox_.add(tunnel, inner.dscp, size);
    } else {
      outbox_.skip(size);
    }
  }
}

void Outbound::clear() {
  outbox_.clear();
  answers_.clear();
}

}  // namespace hasync::vped
