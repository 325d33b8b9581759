#include "hasyncd/node/window_marks.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace hasync::hasyncd {

bool WindowMarks::merge(const InboundTop& top, std::uint64_t round) {
  Mark& mark = marks_[top.key];
  if (top.top <= mark.top) return false;
  mark.top = top.top;
  mark.moved = round;
  return true;
}

void WindowMarks::read(const std::vector<InboundTop>& tops) {
  ++round_;
  for (const InboundTop& top : tops) {
    if (top.top != 0) merge(top, round_);
  }
}

void WindowMarks::begin() {
  ++round_;
  given_.clear();
  telling_.clear();
}

void WindowMarks::held_by(NodeId node, std::uint64_t round) {
  given_[node] = std::min(round, round_);
}

bool WindowMarks::given_to(const std::vector<NodeId>& members) const {
  return std::ranges::all_of(members, [this](NodeId member) {
    const auto given = given_.find(member);
    return given != given_.end() && given->second == round_;
  });
}

std::vector<Windows> WindowMarks::parts(const std::vector<NodeId>& members) const {
  std::uint64_t since = round_ == 0 ? 0 : round_ - 1;
  for (const NodeId member : members) {
    const auto given = given_.find(member);
    since = std::min(since, given == given_.end() ? 0 : given->second);
  }
  std::vector<Windows> out;
  const auto add = [&] { out.push_back({.round = round_, .since = since, .tops = {}}); };
  add();
  for (const auto& [key, mark] : marks_) {
    if (mark.moved <= since && since != 0) continue;
    std::vector<InboundTop>& tops = out.back().tops;
    if (tops.size() == kMaxTops || (!tops.empty() && tops.front().key.address != key.address)) add();
    out.back().tops.push_back({key, mark.top});
  }
  for (std::uint32_t i = 0; i < out.size(); ++i) {
    out[i].part = i;
    out[i].parts = static_cast<std::uint32_t>(out.size());
  }
  return out;
}

Windows WindowMarks::next() {
  Windows out = std::move(telling_.front());
  telling_.pop_front();
  return out;
}

// The parts of one sender arrive in their order or not at all (ReplayGuard).
std::vector<InboundTop> WindowMarks::heard(Process owner, const Windows& part) {
  if (std::exchange(owner_, owner) != owner) held_ = coming_ = 0;
  std::vector<InboundTop> raised;
  for (const InboundTop& top : part.tops) {
    if (merge(top, round_ + 1)) raised.push_back(top);
  }
  if (part.part == 0 && part.since <= held_) {
    coming_ = part.round;
    next_part_ = 0;
  }
  if (coming_ != part.round || next_part_ != part.part) return raised;
  if (++next_part_ == part.parts) held_ = std::max(held_, std::exchange(coming_, 0));
  return raised;
}

std::uint64_t WindowMarks::raise(const InboundKey& key, std::uint64_t top) {
  if (top != 0) merge({key, top}, round_ + 1);
  return this->top(key);
}

std::uint64_t WindowMarks::top(const InboundKey& key) const {
  const auto mark = marks_.find(key);
  return mark == marks_.end() ? 0 : mark->second.top;
}

void WindowMarks::keep(const std::vector<InboundKey>& known) {
  for (auto it = marks_.begin(); it != marks_.end();) {
    const bool missing = !std::ranges::binary_search(known, it->first);
    const bool missed = std::exchange(it->second.missed, missing);
    it = missed && missing ? marks_.erase(it) : std::next(it);
  }
}

}  // namespace hasync::hasyncd
