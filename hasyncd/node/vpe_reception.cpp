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

// Since another one the peer may have sent to somebody else.
void VpeReception::closed(EspSpi inbound, std::uint64_t name) {
  if (name != this->name()) return;
  if (const auto outbound = open_.closed(inbound)) fresh_.done(*outbound);
}

TakenOver::Spis VpeReception::to_ask(Instant now) {
  TakenOver::Spis out;
  for (const EspSpi outbound : fresh_.due(now)) {
    if (const auto inbound = open_.inbound(outbound)) out.emplace(outbound, *inbound);
  }
  return out;
}

}  // namespace hasync::hasyncd
