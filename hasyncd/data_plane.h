// DataPlane: the kernel's side of a gateway as one thing: fence and gate (eBPF), the shared addresses, the
// outbound counters (XFRM). Carries out what a Node asks for; decides nothing. An SA that the kernel does not
// have (yet) is no error: its numbers are set when it is installed.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "clusterip/adapters/bpf_gate.h"
#include "clusterip/adapters/link_watch.h"
#include "clusterip/adapters/netlink_announcer.h"
#include "hasyncd/adapters/kernel_windows.h"
#include "hasyncd/config.h"
#include "hasyncd/node/actions.h"
#include "hasyncd/node/exposure.h"
#include "hasyncd/node/spending.h"

namespace hasync::hasyncd {

class DataPlane {
 public:
  // Fence closed, addresses withdrawn, programs in place.
  static Result<std::unique_ptr<DataPlane>> create(const Config& config);
  ~DataPlane();
  DataPlane(const DataPlane&) = delete;
  DataPlane& operator=(const DataPlane&) = delete;

  void set_deadline(Instant until);
  void close_fence();
  Status hold_addresses();  // and announces them
  Status announce();
  Status drop_addresses();
  bool holds_addresses() const { return holding_; }

  // The gate of an SA whose packets could go past it stays closed.
  Status set_gate(std::vector<clusterip::SaLimits> limits);
  // Such SAs and why, each told once; how many there have been; those that there are now.
  std::vector<std::string> take_bypasses() { return std::exchange(untold_, {}); }
  std::uint64_t bypasses() const { return bypasses_; }
  struct Bypassed {
    std::size_t count = 0;
    std::string first;  // and why
  };
  Bypassed bypassed() const;
  Status forget_gate(const std::vector<OutboundKey>& keys);
  // Raises the kernel's counters; none is ever set back. Each is tried, whatever becomes of the others.
  // NotFound: SAs went while this was done, as charon moves them; System: the kernel refused.
  Status set_numbers(const std::vector<OutboundNumber>& numbers);
  struct NumberFailures {
    std::uint64_t vanished = 0;
    std::uint64_t refused = 0;
  };
  const NumberFailures& number_failures() const { return failures_; }
  // For an SA that is about to be installed anew: behind what the present one has counted.
  void keep_ahead(std::vector<OutboundNumber>& numbers);
  // The highest number that left through the gate, per SA.
  std::vector<OutboundNumber> left() const;
  std::uint64_t left(const OutboundKey& key) const;  // 0: nothing
  // The same of those that have moved since the last call or can go no further; and the kernel's counter
  // where that may have run on without the gate: packets that were dropped use numbers, too.
  std::vector<OutboundUse> used();

  // As of the last used() or read_windows().
  const LetIn& let_in() const { return let_in_; }
  // Inbound replay windows. Polled, a reading is taken whenever such packets have been let in since the last
  // one, or one is wanted, in steps and at a pace that costs little; empty: none is complete.
  struct WindowReading {
    std::vector<InboundTop> tops;
    std::uint64_t let_in = 0;  // when it began, or before
  };
  Result<std::optional<WindowReading>> poll_windows(Instant now, bool wanted);
  Result<WindowReading> read_windows();  // all of it, now
  Status raise_windows(const std::vector<InboundTop>& tops, Instant now) {
    return windows_->raise(tops, now);
  }
  Status raise_reinstalled(const std::vector<InboundTop>& tops, Instant now) {
    windows_->reinstalled(tops);
    return windows_->raise(tops, now);
  }
  Status raise_waiting(Instant now, bool at_once) { return windows_->raise_waiting(now, at_once); }

  Result<clusterip::GateCounters> counters() const { return gate_->counters(); }
  int watch_fd() const { return gate_->watch_fd(); }
  Status check_gate() const;
  const clusterip::LinkWatch& links() const { return links_; }

 private:
  void ask_kernel(std::vector<OutboundUse>& out, const Result<clusterip::GateCounters>& counters);
  Result<clusterip::GateCounters> count();
  DataPlane(std::unique_ptr<clusterip::BpfGate> gate, std::unique_ptr<clusterip::Announcer> announcer,
            std::vector<clusterip::Vip> vips, clusterip::LinkWatch links,
            std::unique_ptr<KernelWindows> windows, int xfrm)
      : gate_(std::move(gate)),
        announcer_(std::move(announcer)),
        vips_(std::move(vips)),
        links_(std::move(links)),
        windows_(std::move(windows)),
        xfrm_(xfrm) {}

  int ask(const OutboundKey& key, std::uint64_t& number) const;
  bool goes_past(const OutboundKey& key);
  void ask_again(const OutboundKey& key);
  std::optional<std::uint64_t> counted(const OutboundKey& key) const;

  std::unique_ptr<clusterip::BpfGate> gate_;
  std::unique_ptr<clusterip::Announcer> announcer_;
  std::vector<clusterip::Vip> vips_;
  clusterip::LinkWatch links_;
  std::unique_ptr<KernelWindows> windows_;
  int xfrm_;
  bool holding_ = false;
  std::set<OutboundKey> sas_;
  std::optional<OutboundKey> ask_next_;  // empty: nobody is to be asked
  std::uint64_t dropped_ = 0;
  NumberFailures failures_;
  // As the kernel said; one that it did not have is asked for again.
  std::set<OutboundKey> sound_;
  std::map<OutboundKey, std::string> goes_past_;  // why
  std::vector<std::string> untold_;
  std::uint64_t bypasses_ = 0;
  LetIn let_in_;
  std::uint64_t let_in_before_ = 0;  // as of the used() before
  Instant read_at_{};                // when the newest reading of windows began, what it took
  Duration read_took_{};
  std::uint64_t reading_from_ = 0;    // its count
  std::uint64_t read_count_ = ~0ULL;  // that of the newest complete one
};

}  // namespace hasync::hasyncd
