#include "hasyncd/inquiry.h"

#include <algorithm>

namespace hasync::hasyncd {

void Inquiry::heard(NodeId from, const About& about, Instant now) {
  if (about.asker != self_ || about.asked != number_ || std::ranges::find(asked_, from) == asked_.end())
    return;
  // It read its clock at some moment between the question and now.
  const Duration half = (now - at_) / 2;
  const Duration theirs{static_cast<std::int64_t>(about.clock_ns)};
  answers_.insert_or_assign(from, Answer{about, theirs - (wall_ + half), half});
}

bool Inquiry::complete() const {
  return answers_.size() == asked_.size();
}

}  // namespace hasync::hasyncd
