#include "hasyncd/node/output_commit.h"

#include "hasyncd/log/replica.h"

namespace hasync::hasyncd {

std::optional<CommitOutput> OutputCommit::settle(std::uint64_t settled, std::uint64_t position,
                                                 std::uint64_t stable) {
  if (settled > (waiting_.empty() ? committed_ : waiting_.back().second)) {
    waiting_.emplace_back(position, settled);
  }
  const std::uint64_t before = committed_;
  for (; !waiting_.empty() && waiting_.front().first <= stable; waiting_.pop_front()) {
    committed_ = waiting_.front().second;
  }
  if (committed_ == before) return {};
  return CommitOutput{committed_};
}

void OutputCommit::begin_epoch() {
  if (!waiting_.empty()) waiting_ = {{kBeginning, waiting_.back().second}};
}

std::optional<DiscardOutput> OutputCommit::discard() {
  give_up();
  if (reported_ == committed_) return {};
  return DiscardOutput{1, reported_};
}

}  // namespace hasync::hasyncd
