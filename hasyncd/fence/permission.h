// Permission: until when this node may pass packets, and whose heartbeats it honours.
//
// The deadline counts from the *send* time of the newest heartbeat that a majority of the configured members
// has acknowledged (design.md, section 6), never from now. Honouring a heartbeat is a promise: this member
// takes part in no change of that owner until the fence, counted from that heartbeat, has run out
// (docs/decisions/0001-epochs.md, 7 and 8). Refuses to know: segments, packets, the log.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "hasyncd/log/agreement.h"

namespace hasync::hasyncd {

struct FenceSettings {
  Duration fence = std::chrono::milliseconds{80};
  // Added to the wait of a new owner: clocks of two nodes run apart by at most this share.
  std::uint32_t drift_ppm = 1000;
};

// How long a new owner waits, once a majority has been heard in its epoch, until the old one's permission has
// ended on any clock.
Duration takeover_wait(const FenceSettings& settings);

class Permission {
 public:
  // `of_two`: an owner needs nobody, a new one hears every member first (docs/decisions/0008-two-nodes.md).
  Permission(Process self, std::size_t majority, FenceSettings settings, bool of_two = false)
      : self_(self), majority_(of_two ? 1 : majority), of_two_(of_two), settings_(settings) {}

  void install(const Install& install);
  // This machine was suspended until now: what was acknowledged before is older than its clock says.
  void suspended(Instant now);
  // `by` has said in `epoch` that it honours our heartbeat of `sent`. When and by whom we learn of it does
  // not matter.
  void acknowledged(Process by, Epoch epoch, const Ack& ack);
  // Until when packets may pass. Nothing while no majority has acknowledged anything in this epoch.
  std::optional<Instant> deadline(Instant now) const;

  // A heartbeat of another member arrived, or a third member has told of it. Only one that names our own
  // installed epoch is honoured: so whoever has been heard in an epoch honours no owner of an earlier one any
  // more.
  void heard(Process from, Epoch epoch, std::uint64_t sent_ns);
  // A majority, this node included, has been heard in this epoch, so an owner of an earlier one has lost its
  // own: from here on counts the wait of a new owner.
  bool majority_heard() const {
    return install_ && honoured_.size() + 1 >= (of_two_ ? install_->members.size() : majority_);
  }
  // What to send back with the next heartbeat.
  std::vector<Ack> honoured() const;

 private:
  bool is_member(Process process) const;

  Process self_;
  std::size_t majority_;
  bool of_two_;
  FenceSettings settings_;
  std::optional<Install> install_;
  Instant not_before_{};                    // older heartbeats of ours count no more
  std::map<NodeId, Instant> acknowledged_;  // newest send time of ours, per member
  std::map<NodeId, Ack> honoured_;
};

}  // namespace hasync::hasyncd
