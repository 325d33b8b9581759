#include "hasyncd/node/vpe_reception.h"

#include <utility>

namespace hasync::hasyncd {

void VpeReception::begin(TakenOver::Spis children, Instant now) {
  std::vector<EspSpi> outbound;
  for (const auto& [spi, inbound] : children) outbound.push_back(spi);
  fresh_.begin(outbound);
  open_.begin(std::move(children), now);
}

void VpeReception::add(EspSpi outbound, EspSpi inbound) {
  open_.add(outbound, inbound);
  fresh_.add(outbound);
}

void VpeReception::ended(EspSpi outbound) {
  open_.ended(outbound);
  fresh_.done(outbound);
}

// What was asked in another one says nothing of what the peer has sent to somebody else since.
bool VpeReception::closed(EspSpi inbound, std::uint64_t name) {
  const auto outbound = name == this->name() ? open_.closed(inbound) : std::nullopt;
  if (outbound) fresh_.done(*outbound);
  return outbound.has_value();
}

TakenOver::Spis VpeReception::to_ask(Instant now) {
  TakenOver::Spis out;
  for (const EspSpi outbound : fresh_.due(now)) {
    if (const auto inbound = open_.inbound(outbound)) out.emplace(outbound, *inbound);
  }
  return out;
}

}  // namespace hasync::hasyncd
