// VPE of a Node: see node.h.
#include <algorithm>

#include "hasyncd/node/node.h"

namespace hasync::hasyncd {

Actions Node::on_vpe(std::uint64_t session, Instant now) {
  Actions out;
  if (session == vpe_.session()) return out;
  vpe_.begin(session);
  out.push_back(session != 0 ? Note{"vped-began", "it gets numbers of its own"}
                             : Note{"vped-gone", "this gateway carries no VPE"});
  settle(now, out);
  return out;
}

// Called at the end of every event.
void Node::serve_vpe(Actions& out) {
  if (!settings_.gateway || !in_epoch_ || !replica_.current()) return;
  if (!agreement_.frozen()) {
    if (auto begin = vpe_.to_tell(replica_.vpe())) send(Entry{agreement_.current()->epoch, *begin}, out);
  }
  const auto holds = [this](SaId sa) { return charon_.contains(sa) && !putting_.contains(sa); };
  if (auto give = vpe_.to_give(replica_.vpe(), stability_.stable(), holds)) out.push_back(*std::move(give));
}

// New keys for CHILD_SAs that can or should not go on with these: each begins with all incarnations. `all`:
// what a vped has received is forgotten, and could be replayed to its successor here.
void Node::rekey_vpe(const std::vector<EspSpi>& spis, bool all, Actions& out) {
  if (!mine()) return;
  for (const EspSpi spi : spis) {
    const auto holder = replica_.vpe().holder(spi);
    if (!holder || !(all || replica_.vpe().wants_rekey(spi))) continue;
    const Delta& context = replica_.contexts().at(*holder);
    const auto sa = std::ranges::find_if(
        context.outbound, [spi](const OutboundSa& one) { return one.vpe && one.key.spi == spi; });
    if (sa != context.outbound.end()) out.push_back(RekeyChild{*holder, sa->key});
  }
}

}  // namespace hasync::hasyncd
