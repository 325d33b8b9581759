// WindowMarks: how far the replay windows of inbound SAs stand, over the whole cluster (decision 0009).
//
// A mark is the highest number that an owner has accepted. It only ever grows, whoever tells it and in
// whatever order, so marks need no log. The owner's readings are numbered; a member says which one it has
// whole, and is told what has moved since. Refuses to know: kernels, who owns, what follows from a mark.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "hasyncd/wire/messages.h"

namespace hasync::hasyncd {

class WindowMarks {
 public:
  // This node's kernel stands so. Counts as one more reading.
  void read(const std::vector<InboundTop>& tops);
  // This node owns from now on. What it has heard so far is its first reading; nobody is known to hold it.
  void begin();
  // A member says that it holds our readings up to this one.
  void held_by(NodeId node, std::uint64_t round);
  bool given_to(const std::vector<NodeId>& members) const;
  // The newest reading, for all of these members: what has moved since the one that each of them has. At
  // least one.
  std::vector<Windows> parts(const std::vector<NodeId>& members) const;
  // Parts that are still to be told, in this order.
  void tell(std::vector<Windows> parts) { telling_.assign(parts.begin(), parts.end()); }
  bool telling() const { return !telling_.empty(); }
  Windows next();

  // A part of another owner's reading: the marks that it has raised.
  std::vector<InboundTop> heard(Process owner, const Windows& part);
  // The newest reading of this owner that is here whole.
  std::uint64_t held(Process owner) const { return owner == owner_ ? held_ : 0; }

  // charon is about to install a window at this top: where it must stand.
  std::uint64_t raise(const InboundKey& key, std::uint64_t top);
  std::uint64_t top(const InboundKey& key) const;
  // Forgets what is not among these, which are sorted, and was not at the last call either.
  void keep(const std::vector<InboundKey>& known);
  std::size_t size() const { return marks_.size(); }
  std::uint64_t round() const { return round_; }

 private:
  struct Mark {
    std::uint64_t top = 0;
    std::uint64_t moved = 0;  // the first of our readings that has it
    bool missed = false;
  };
  bool merge(const InboundTop& top, std::uint64_t round);

  std::map<InboundKey, Mark> marks_;
  std::uint64_t round_ = 0;                // our newest reading
  std::map<NodeId, std::uint64_t> given_;  // of it, per member
  std::deque<Windows> telling_;
  Process owner_;  // whose readings are heard
  std::uint64_t held_ = 0;
  std::uint64_t coming_ = 0;  // the reading that is being heard, and its next part
  std::uint32_t next_part_ = 0;
};

}  // namespace hasync::hasyncd
