// VPE of a Node: see node.h.
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
    if (all || replica_.vpe().wants_rekey(spi)) rekey(spi, out);
  }
}

// This vped has received nothing before: what was recorded under these keys is new to it.
void Node::expose_vpe(TakenOver::Spis spis, Instant now, Actions& out) {
  if (!spis.empty()) {
    out.push_back(Note{"replay-exposure", "what was recorded of " + std::to_string(spis.size()) +
                                              " VPE CHILD_SAs could be replayed"});
  }
  vpe_taken_over_.begin(std::move(spis), now);
}

std::size_t Node::exposed_vpe() const {
  return reigns(role_) ? vpe_taken_over_.size() : replica_.vpe().size();
}

}  // namespace hasync::hasyncd
