// Inquiry: one question to all members, and what came back: for `haipsec check`.
//
// Pure: answers and times in. An answer is that of a member which was asked, to this question; all else is
// dropped. Who has not answered when time is up is told of as silent.
#pragma once

#include <map>
#include <vector>

#include "hasyncd/log/agreement.h"
#include "hasyncd/wire/messages.h"

namespace hasync::hasyncd {

struct Answer {
  About about;
  Duration clock_ahead{};  // of its wall clock, before this node's
  Duration uncertain{};    // by how much that may be wrong, either way
};

class Inquiry {
 public:
  Inquiry() = default;  // nobody was asked
  // `number` of the Ask; `wall` and `now`: the two clocks when it was sent.
  Inquiry(Process self, std::uint64_t number, std::vector<NodeId> asked, Duration wall, Instant now)
      : self_(self), number_(number), asked_(std::move(asked)), wall_(wall), at_(now) {}

  void heard(NodeId from, const About& about, Instant now);
  bool complete() const;
  const std::map<NodeId, Answer>& answers() const { return answers_; }

 private:
  Process self_;
  std::uint64_t number_ = 0;
  std::vector<NodeId> asked_;
  Duration wall_{};
  Instant at_{};
  std::map<NodeId, Answer> answers_;
};

}  // namespace hasync::hasyncd
