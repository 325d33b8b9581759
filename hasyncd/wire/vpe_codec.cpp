#include "hasyncd/wire/vpe_codec.h"

#include <algorithm>
#include <functional>

#include "base/bytes.h"
#include "ring.pb.h"

namespace hasync::hasyncd {

namespace {

namespace wire = proto::ring;

bool names_twice(const std::vector<VpeNode>& nodes) {
  const auto is_before = [](const VpeNode& one, const VpeNode& other) { return one.node < other.node; };
  std::uint32_t places = 0;
  for (const VpeNode& node : nodes) places |= 1U << node.place;
  // Places are given out in their order, each once: so many nodes have the first so many places.
  return places != (1U << nodes.size()) - 1U ||
         std::ranges::adjacent_find(nodes, std::not_fn(is_before)) != nodes.end();
}

}  // namespace

void put(const std::vector<VpeTaken>& from, wire::SnapshotSa* to) {
  for (const VpeTaken& taken : from) {
    wire::VpeTaken* out = to->add_vpe();
    out->set_spi(taken.spi.value);
    out->set_taken(std::string(text_of(taken.taken)));
  }
}

void put(const std::vector<VpeNode>& from, wire::Snapshot* to) {
  for (const VpeNode& node : from) {
    wire::VpeNode* out = to->add_vpe_nodes();
    out->set_node(node.node.value);
    out->set_place(node.place);
    out->set_session(node.session);
  }
}

Problem take(const wire::SnapshotSa& from, std::vector<VpeTaken>* to) {
  const auto count = static_cast<std::size_t>(from.vpe_size());
  if (count > kMaxOutbound) return too_many("snapshot.sas.vpe", count, kMaxOutbound);
  for (const wire::VpeTaken& vpe : from.vpe()) {
    VpeTaken& out = to->emplace_back();
    if (vpe.spi() == 0) return at("snapshot.sas.vpe.spi", "is missing or 0");
    if (vpe.taken().size() != out.taken.size()) return at("snapshot.sas.vpe.taken", "is not of 16 bytes");
    out.spi = EspSpi{vpe.spi()};
    std::ranges::copy(view_of(vpe.taken()), out.taken.begin());
    if (std::ranges::max(out.taken) > kVpeSpent) return at("snapshot.sas.vpe.taken", "is above 33");
  }
  return {};
}

Problem take(const wire::Snapshot& from, std::vector<VpeNode>* to) {
  const auto count = static_cast<std::size_t>(from.vpe_nodes_size());
  if (count > vpe::kNodes) return too_many("snapshot.vpe_nodes", count, vpe::kNodes);
  for (const wire::VpeNode& node : from.vpe_nodes()) {
    if (node.node() == 0 || node.session() == 0) return at("snapshot.vpe_nodes", "a node or a session is 0");
    if (node.place() >= vpe::kNodes) return at("snapshot.vpe_nodes.place", "is above 15");
    to->push_back({NodeId{node.node()}, static_cast<std::uint8_t>(node.place()), node.session()});
  }
  if (names_twice(*to)) return at("snapshot.vpe_nodes", "a node or a place is there twice, or left out");
  return {};
}

}  // namespace hasync::hasyncd
