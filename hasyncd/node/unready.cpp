#include "hasyncd/node/unready.h"

namespace hasync::hasyncd {

std::string why_unready(const Node& node, NodeId other) {
  const Agreement& agreement = node.agreement();
  if (!agreement.in_group(other)) return "not in the ring";
  if (!agreement.is_candidate(other)) return "evicted: its hasyncd is silent";
  const EpochMember* member = agreement.current() ? agreement.current()->find(other) : nullptr;
  if (member == nullptr) return "not in the epoch yet";
  if (!member->gateway) return "";
  if (node.stability().agreed(other) < kBeginning) return "does not have the whole state yet";
  if (node.ready(other)) return "";
  return "its charon is not there or still lacks contexts, a link of it is down, or it has no vped for those "
         "of VPE";
}

}  // namespace hasync::hasyncd
