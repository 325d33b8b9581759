// What an owner makes of the numbers that its SAs use: see node.h.
#include <algorithm>

#include "hasyncd/node/node.h"

namespace hasync::hasyncd {

// Asks for the next lease when half of this one is spent.
Actions Node::on_used(const std::vector<OutboundUse>& uses, Instant now) {
  Actions out;
  if (!mine()) return out;
  spending_.keep(replica_.leases());
  SetNumbers behind;
  for (const OutboundUse& use : uses) {
    const auto lease = replica_.leases().find(use.key);
    if (lease == replica_.leases().end()) continue;
    const Spending::Need need = spending_.judge(use, lease->second, now);
    if (need.end != 0 && !proposals_.grant_pending(use.key)) {
      proposals_.grant({use.key, need.end, spending_.left(use.key, lease->second)});
    }
    tell(use, lease->second, need, out);
    if (fell_back(use, lease->second)) {
      behind.numbers.push_back({use.key, gate_.at(use.key).floor - 1, lease->second.esn});
      ++counted_.numbers_vanished;
      out.push_back(Note{"number-vanished", to_string(use.key) + ": counts from " +
                                                std::to_string(*use.counted) + ", nothing below " +
                                                std::to_string(gate_.at(use.key).floor) +
                                                " leaves; set again"});
    }
  }
  if (!behind.numbers.empty()) out.push_back(std::move(behind));
  flush(out);
  return out;
}

void Node::tell(const OutboundUse& use, const LeaseState& lease, const Spending::Need& need, Actions& out) {
  if (need.overrun) {
    ++counted_.lease_overruns;
    out.push_back(Note{"lease-overrun", to_string(use.key) + ": number " + std::to_string(use.used) +
                                            " used, the lease ends at " + std::to_string(lease.end)});
  }
  if (!need.rekey) return;
  const char* what_follows =
      overtaken(lease.sa) ? "; charon refused its context, and cannot rekey" : "; rekeying";
  if (lease.esn) {
    out.push_back(Note{"numbers-jumped", to_string(use.key) + ": " +
                                             std::to_string(spending_.left(use.key, lease)) +
                                             " is the last number known to have left, the lease ends at " +
                                             std::to_string(lease.end) + what_follows});
  } else {
    out.push_back(Note{"numbers-ending", to_string(use.key) + ": number " + std::to_string(use.used) +
                                             " of 4294967295" + what_follows});
  }
  rekey(lease.sa, use.key, out);
}

// The kernel's counter stands below what may leave, though it was set: charon had read the SA before, and has
// added it again since.
bool Node::fell_back(const OutboundUse& use, const LeaseState& lease) const {
  const auto gate = gate_.find(use.key);
  if (!use.counted || gate == gate_.end() || being_put(lease)) return false;
  const bool open = gate->second.ceiling > gate->second.floor;
  return open && *use.counted + 1 < gate->second.floor;
}

}  // namespace hasync::hasyncd
