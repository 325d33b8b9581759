#include "hasyncd/node/exposure.h"

#include <algorithm>
#include <utility>

namespace hasync::hasyncd {

namespace {

constexpr Duration kWindow = std::chrono::milliseconds{100};  // of a rate
constexpr Duration kClocksAgree = std::chrono::seconds{10};   // for so long, whatever they drift
constexpr std::uint64_t kSecond = 1'000'000'000;

std::uint64_t in_ns(Duration time) {
  return static_cast<std::uint64_t>(std::max(time, Duration{}).count());
}

}  // namespace

void Exposure::begin_empty(Instant now) {
  behind_ = covered_ = heard_ = 0;
  of_ = {};
  as_of_ = now;
  last_ = others_owned_ = false;
}

// What the one before may have let in beyond its newest count stays open, until a reading of this one covers
// it.
void Exposure::follow(Process owner, Instant now) {
  if (of_ == owner) return;
  behind_ = bound(now);
  of_ = owner;
  covered_ = heard_ = window_count_ = 0;
  window_begin_ = {};
  offset_ = offset_before_ = std::nullopt;
  as_of_ = {};
  last_ = false;
}

void Exposure::heard(Process owner, std::uint64_t let_in, Instant counted, Instant sent, Instant now) {
  follow(owner, now);
  if (now - offset_since_ >= kClocksAgree) {
    offset_before_ = std::exchange(offset_, std::nullopt);
    offset_since_ = now;
  }
  offset_ = std::min(offset_.value_or(now - sent), now - sent);
  const Instant then = counted + std::min(*offset_, offset_before_.value_or(*offset_));
  as_of_ = std::max(as_of_, std::min(then, now));
  if (let_in > heard_) last_ = false;
  heard_ = std::max(heard_, let_in);
  measure(let_in, counted);
}

void Exposure::measure(std::uint64_t let_in, Instant counted) {
  const Duration time = counted - window_begin_;
  if (window_begin_ != Instant{} && time < kWindow) return;
  if (window_begin_ != Instant{} && let_in > window_count_) {
    const std::uint64_t packets = let_in - window_count_;
    peak_ = std::max(peak_, packets * kSecond / in_ns(time) + 1);
  }
  window_count_ = let_in;
  window_begin_ = counted;
}

void Exposure::covered(Process owner, const Windows& reading) {
  if (owner != of_) return;
  behind_ = reading.open == kUnknown ? std::nullopt : std::optional{reading.open};
  covered_ = reading.let_in;
  heard_ = std::max(heard_, covered_);
  peak_ = std::max(peak_, reading.peak);
  last_ = reading.last;
}

void Exposure::settle() {
  if (whole_) covered(whole_->first, whole_->second);
  whole_.reset();
}

std::uint64_t Exposure::since_heard(Instant now) const {
  const auto ns = static_cast<double>(in_ns(now - as_of_ + slack_));
  return static_cast<std::uint64_t>(static_cast<double>(peak_) * ns / static_cast<double>(kSecond)) + 1;
}

std::optional<std::uint64_t> Exposure::bound(Instant now) const {
  if (!behind_ || answers_) return behind_;
  const std::uint64_t open = *behind_ + (heard_ - covered_);
  const bool nobody_else = !others_owned_ && (of_ == self_ || of_ == Process{});
  if (last_ || nobody_else) return open;
  if (peak_ == 0) return std::nullopt;  // no rate was ever measured that could not be exceeded
  return open + since_heard(now);
}

void Exposure::take(Instant now) {
  whole_.reset();
  behind_ = bound(now);
  of_ = self_;
  answers_ = true;
  others_owned_ = last_ = false;
  covered_ = covered_before_ = heard_ = fell_at_ = window_count_ = 0;
  window_begin_ = {};
  begun_at_ = total_;
  as_of_ = counted_at_ = now;
}

void Exposure::counted(std::uint64_t total, Instant now) {
  total_ = total;
  if (of_ != self_) return;
  heard_ = total - begun_at_;
  if (!answers_) return;  // another may own, unheard, and let in what this node does not count
  as_of_ = counted_at_ = now;
  measure(heard_, now);
}

void Exposure::read(std::uint64_t total) {
  if (of_ != self_) return;
  covered_before_ = std::exchange(covered_, total - std::min(total, begun_at_));
  heard_ = std::max(heard_, covered_);
}

// The newest reading may have begun when the SAs were gone already: the one before counts.
void Exposure::fell_back() {
  if (of_ != self_ || !behind_) return;
  *behind_ += heard_ - std::min(heard_, std::max(covered_before_, fell_at_));
  fell_at_ = heard_;
}

void Exposure::close() {
  if (of_ == self_) behind_ = 0;
}

}  // namespace hasync::hasyncd
