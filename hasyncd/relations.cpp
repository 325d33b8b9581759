#include "hasyncd/relations.h"

#include <algorithm>

namespace hasync::hasyncd {
namespace {

using std::chrono::milliseconds;
using N = std::int64_t;

// Agreeing on an epoch once Corosync has formed its ring: two messages and two synchronous writes of each
// member. 2 to 4 ms were measured (docs/timing.md).
constexpr milliseconds kRound{20};
// A round without result is proposed again after this, or evict_after_ms (AgreementSettings::retry).
constexpr milliseconds kSecondRound{200};
// adjtimex(2) lets a clock be slewed by 500 ppm; two of them may run apart by twice that.
constexpr N kSlew = 1000;

N heartbeats(const Config& c, int count) {
  return N{(count * c.heartbeat_interval).count()};
}
N fence(const Config& c, const RingTimes&) {
  return N{c.fence.count()};
}
N evict_after(const Config& c, const RingTimes&) {
  return N{c.evict_after.count()};
}
N drift(const Config& c, const RingTimes&) {
  return c.drift_ppm;
}
N lease_size(const Config& c, const RingTimes&) {
  return static_cast<N>(c.lease_size);
}
N commit_wait(const Config& c, const RingTimes&) {
  return N{c.commit_wait.count()};
}
N silence(const Config& c, const RingTimes&) {
  return N{c.two_node_silence.count()};
}
N token(const Config&, const RingTimes& r) {
  return N{r.token.count()};
}
N consensus(const Config&, const RingTimes& r) {
  return N{r.consensus.count()};
}

N fence_least(const Config& c, const RingTimes&) {
  return heartbeats(c, 4);
}
N evict_least(const Config& c, const RingTimes& r) {
  return fence(c, r) + heartbeats(c, 3);
}
N silence_least(const Config& c, const RingTimes& r) {
  return 2 * evict_after(c, r);
}
N drift_least(const Config&, const RingTimes&) {
  return kSlew;
}
N detection(const Config&, const RingTimes& r) {
  return N{r.detection().count()};
}
N retransmits(const Config&, const RingTimes& r) {
  return N{(2 * r.token_retransmit).count()};
}
// At half of a lease the next one is asked for (Spending).
N lease_least(const Config& c, const RingTimes& r) {
  return 2 * static_cast<N>(c.lease_peak) * standstill(c, r).count() / 1000;
}
N commit_least(const Config& c, const RingTimes& r) {
  return N{standstill(c, r).count()};
}

constexpr Rule::Keys kInterval{"heartbeat.interval_ms"};
constexpr Rule::Keys kFenceAndInterval{"fence.fence_ms", "heartbeat.interval_ms"};
constexpr Rule::Keys kEvictAfter{"fence.evict_after_ms"};

constexpr Rule kRules[] = {
    {"fence-heartbeats", "fence", "fence_ms", "fence.fence_ms", "ms", false, true,
     "four heartbeat.interval_ms: two of an owner's in a row may be lost, and one be late", fence,
     fence_least, kInterval},
    {"evict-fence", "fence", "evict_after_ms", "fence.evict_after_ms", "ms", false, true,
     "fence_ms and three heartbeat.interval_ms: nobody is left out for what the fence bears", evict_after,
     evict_least, kFenceAndInterval},
    {"silence-evict", "cluster", "two_node_silence_ms", "cluster.two_node_silence_ms", "ms", false, true,
     "twice evict_after_ms: what would leave out a node does not end all tunnels", silence, silence_least,
     kEvictAfter, true},
    {"drift-slew", "fence", "drift_ppm", "fence.drift_ppm", "ppm", false, true,
     "two clocks, each slewed by the 500 ppm that adjtimex allows", drift, drift_least},
    {"lease-standstill", "lease", "size", "lease.size", "numbers", true, true,
     "2 x lease.peak x what the log may stand still (corosync's token and consensus, or evict_after_ms; "
     "fence_ms; two rounds): half of a lease must last for that",
     lease_size, lease_least},
    {"commit-standstill", "output_commit", "wait_ms", "output_commit.wait_ms", "ms", true, true,
     "what the log may stand still (corosync's token and consensus, or evict_after_ms; fence_ms; two "
     "rounds): a message must outwait a change of the membership",
     commit_wait, commit_least},
    {"evict-detection", "fence", "evict_after_ms", "fence.evict_after_ms", "ms", true, false,
     "corosync's token and consensus: else each node that is lost is accused as well as noticed", evict_after,
     detection},
    {"token-retransmit", "", "", "corosync's token", "ms", true, false,
     "twice token_retransmit: else a token that was lost is sent again only once", token, retransmits},
    {"consensus-token", "", "", "corosync's consensus", "ms", true, false,
     "its token: else a lost packet may leave a living node out", consensus, token},
};

}  // namespace

milliseconds standstill(const Config& config, const RingTimes& ring) {
  const milliseconds noticed = std::max(ring.detection(), config.evict_after);
  return noticed + config.fence + kRound + std::max(kSecondRound, config.evict_after);
}

std::vector<Relation> relations(const Config& config, const std::optional<RingTimes>& ring) {
  std::vector<Relation> out;
  const RingTimes times = ring.value_or(RingTimes{});
  for (const Rule& rule : kRules) {
    const bool concerns = !rule.available || config.two_node == Config::TwoNode::Available;
    if (concerns && (ring || !rule.ring))
      out.push_back({&rule, rule.value_of(config, times), rule.least_of(config, times)});
  }
  return out;
}

std::string complaint(const Relation& relation) {
  const std::string unit = std::string(" ") + relation.rule->unit;
  return std::string(relation.rule->what) + ": " + std::to_string(relation.value) + unit +
         " must be at least " + std::to_string(relation.least) + unit + ": " + relation.rule->limit;
}

}  // namespace hasync::hasyncd
