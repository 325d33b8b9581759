// VPE of a Node: see node.h.
#include "hasyncd/node/node.h"

namespace hasync::hasyncd {

Actions Node::on_vpe(std::uint64_t session, Instant now) {
  Actions out;
  if (session == vpe_.session()) return out;
  vpe_.begin(session);
  out.push_back(session != 0 ? Note{"vped-began", "it gets numbers of its own"}
                             : Note{"vped-gone", "this gateway carries no VPE"});
  if (mine() && reigns(role_)) expose_vpe(now, out);
  settle(now, out);
  return out;
}

// Called at the end of every event.
void Node::serve_vpe(Actions& out) {
  if (!settings_.gateway || !in_epoch_ || !replica_.current()) return;
  if (!agreement_.frozen()) {
    if (auto begin = vpe_.to_tell(replica_.vpe())) send(Entry{agreement_.current()->epoch, *begin}, out);
  }
  const auto holds = [this](SaId sa) { return charon_.contains(sa) && !puts_.contains(sa); };
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
void Node::expose_vpe(Instant now, Actions& out) {
  TakenOver::Spis spis = children(true);
  for (const auto& [sa, reported] : vpe_.reported()) {
    if (proposals_.concerns(sa)) spis.insert(reported.begin(), reported.end());  // not in the log yet
  }
  if (!spis.empty()) {
    out.push_back(Note{"replay-exposure", "what was recorded of " + std::to_string(spis.size()) +
                                              " VPE CHILD_SAs could be replayed"});
  }
  reception_.begin(std::move(spis), now);
}

// The peer of each is asked for windows that nobody has recorded anything of.
void Node::ask_fresh(Instant now, Actions& out) {
  if (role_ != Role::Owner || !charon_synced_ || vpe_.session() == 0) return;
  AskFresh ask{.reception = reception_.name()};
  for (const auto& [outbound, inbound] : reception_.to_ask(now)) {
    if (const auto sa = replica_.vpe().holder(outbound)) ask.children.push_back({*sa, inbound});
  }
  if (!ask.children.empty()) out.push_back(std::move(ask));
}

Actions Node::on_retired(EspSpi inbound, std::uint64_t reception, Instant now) {
  Actions out;
  if (reigns(role_)) reception_.closed(inbound, reception);
  settle(now, out);
  return out;
}

std::size_t Node::exposed_vpe() const {
  return reigns(role_) ? reception_.size() : replica_.vpe().size();
}

}  // namespace hasync::hasyncd
