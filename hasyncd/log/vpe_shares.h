// VpeShares: which gateway sends as what on each VPE CHILD_SA (docs/decisions/0013-vpe-in-the-cluster.md).
// There are no leases: a share is a set of numbers of its own, for as long as the vped that has it runs.
//
// A CHILD_SA gives each gateway's vped an incarnation when it comes, and so does a vped that begins, on each
// CHILD_SA: under one key, each incarnation of a place is given out once, as docs/vpe.md has it. Part of the
// replicated state: the same at every member. Refuses to know: keys, and what is stable.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "hasyncd/wire/messages.h"
#include "vpe/window_id.h"

namespace hasync::hasyncd {

class VpeShares {
 public:
  // A CHILD_SA that a context names. `old`: somebody may have sent on it that this state does not know of;
  // then nobody gets a share. True: it is new.
  bool hold(EspSpi spi, SaId sa, bool old);
  // This context does not name it any more. True: none does, and it is forgotten.
  bool let_go(EspSpi spi, SaId sa);
  // A vped has begun at this node. False: the places are spent, and it gets no share of anything.
  bool begin(NodeId node, std::uint64_t session);

  // What the vped of this session sends as. None: it has not begun here, or the incarnations are spent.
  std::optional<vpe::Place> share(EspSpi spi, NodeId node, std::uint64_t session) const;
  // Few incarnations are left, or there never were any: time for a new key.
  bool wants_rekey(EspSpi spi) const;
  // The IKE_SA that named it last.
  std::optional<SaId> holder(EspSpi spi) const;
  bool contains(EspSpi spi) const { return children_.contains(spi); }
  bool empty() const { return children_.empty(); }
  std::size_t size() const { return children_.size(); }
  std::vector<EspSpi> all() const;
  std::uint64_t session(NodeId node) const;  // 0: none has begun there
  const std::map<NodeId, VpeNode>& nodes() const { return nodes_; }

  // As a snapshot carries it.
  VpeTaken taken(EspSpi spi) const { return {spi, children_.at(spi).taken}; }
  void adopt(const VpeNode& node) { nodes_.insert_or_assign(node.node, node); }
  void adopt(const VpeTaken& taken, SaId holder);
  void adopt(EspSpi spi, SaId named_by);  // without what it has taken nobody gets a share of it
  void clear() { *this = VpeShares{}; }

 private:
  struct Child {
    VpeTaken::Counts taken{};  // by place
    std::set<SaId> named;      // by these contexts
    SaId holder;
  };
  std::map<EspSpi, Child> children_;
  std::map<NodeId, VpeNode> nodes_;
};

}  // namespace hasync::hasyncd
