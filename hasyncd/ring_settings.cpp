#include "hasyncd/ring_settings.h"

#include <algorithm>
#include <iterator>

namespace hasync::hasyncd {
namespace {

// Beyond this a takeover is no longer what the product promises; Corosync's own defaults are there.
constexpr std::chrono::milliseconds kSlowDetection{1000};

// Where the operator can change it.
std::string place(const Config& config, const Rule& rule) {
  if (*rule.key == '\0') return "corosync.conf: ";
  const std::string known = config.place_of(rule.table, rule.key);
  return (known.empty() ? std::string("not in the configuration file, so by default") : known) + ": ";
}

std::string listed(const std::vector<NodeId>& nodes) {
  std::string out;
  for (NodeId node : nodes) out += (out.empty() ? "" : ", ") + std::to_string(node.value);
  return out;
}

}  // namespace

const char* QuorumDevice::state() const {
  if (!runs) return "does not run";
  if (!answers) return "does not answer corosync in time";
  return votes ? "has qnetd's vote" : "has no vote: no qnetd, or the vote is the other half's";
}

RingCheck check_times(const RingSettings& ring, const Config& config) {
  RingCheck out;
  for (const Relation& relation : relations(config, ring.times)) {
    if (relation.holds()) continue;
    auto& to = relation.rule->must ? out.errors : out.warnings;
    to.push_back(place(config, *relation.rule) + complaint(relation));
  }
  if (ring.times.detection() > kSlowDetection) {
    out.warnings.push_back("corosync needs about " + std::to_string(ring.times.detection().count()) +
                           " ms (token and consensus) to notice a dead node, and so does a takeover");
  }
  return out;
}

RingCheck check_ring_itself(const RingSettings& ring, const Config& config) {
  RingCheck out;
  if (ring.local != config.node) {
    out.errors.push_back("node.id is " + std::to_string(config.node.value) +
                         ", but corosync calls this node " + std::to_string(ring.local.value));
  }
  std::vector<NodeId> members;
  for (const Config::Member& member : config.members) members.push_back(member.id);
  if (members != ring.nodes) {
    out.errors.push_back("[[member]] lists the nodes " + listed(members) + ", corosync's nodelist " +
                         listed(ring.nodes) + "; they must be the same");
  }
  if (!ring.votequorum) {
    out.errors.emplace_back("corosync.conf: quorum.provider must be corosync_votequorum");
  }
  if (ring.device) {
    out.warnings.push_back(
        "corosync.conf: quorum.device: its vote does not count here, and corosync may wait for it at each "
        "change "
        "of the ring, with the log at rest, for as long as quorum.device.sync_timeout. A witness counts. "
        "Here corosync-qdevice " +
        std::string(ring.device->state()));
  }
  if (!ring.is_encrypted()) {
    const std::string text = "corosync's ring is not encrypted (totem.transport " + ring.transport +
                             ", totem.crypto_cipher " + ring.cipher + ")";
    if (config.allow_unencrypted_ring) {
      out.warnings.push_back(text + "; cluster.allow_unencrypted_ring permits it");
    } else {
      out.errors.push_back(text + "; set totem.crypto_cipher: aes256 and totem.crypto_hash: sha256, or " +
                           "cluster.allow_unencrypted_ring = true here");
    }
  }
  if (ring.cluster_name != config.cluster_name) {
    out.warnings.push_back("cluster.name is \"" + config.cluster_name +
                           "\", corosync's totem.cluster_name \"" + ring.cluster_name +
                           "\": is this the right ring?");
  }
  return out;
}

RingCheck check_ring(const RingSettings& ring, const Config& config) {
  RingCheck out = check_ring_itself(ring, config);
  RingCheck times = check_times(ring, config);
  std::ranges::move(times.errors, std::back_inserter(out.errors));
  std::ranges::move(times.warnings, std::back_inserter(out.warnings));
  return out;
}

}  // namespace hasync::hasyncd
