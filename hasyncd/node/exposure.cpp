#include "hasyncd/node/exposure.h"

#include <algorithm>
#include <utility>

namespace hasync::hasyncd {

namespace {

// Counts come every fifth heartbeat; two that are nearer than this show no rate.
constexpr Duration kWindow = std::chrono::milliseconds{40};
constexpr Duration kExact = std::chrono::milliseconds{10};   // counts read within this show a rate
constexpr Duration kClocksAgree = std::chrono::seconds{10};  // for so long, whatever they drift
constexpr std::uint64_t kSecond = 1'000'000'000;

Instant time_of(std::uint64_t ns) {
  return Instant{static_cast<Instant::rep>(ns)};
}

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
  covered_ = heard_ = 0;
  offset_ = offset_before_ = std::nullopt;
  as_of_ = {};
  last_ = false;
}

void Exposure::heard(const Heartbeat& heartbeat, Instant now) {
  follow(heartbeat.from, now);
  if (now - offset_since_ >= kClocksAgree) {
    offset_before_ = std::exchange(offset_, std::nullopt);
    offset_since_ = now;
  }
  const Duration apart = now - time_of(heartbeat.sent_ns);
  offset_ = std::min(offset_.value_or(apart), apart);
  const Instant then = time_of(heartbeat.counted_ns) + std::min(*offset_, offset_before_.value_or(*offset_));
  as_of_ = std::max(as_of_, std::min(then, now));
  if (heartbeat.let_in > heard_) goes_on();
  heard_ = std::max(heard_, heartbeat.let_in);
  peak_ = std::max(peak_, heartbeat.peak);
}

void Exposure::goes_on() {
  last_ = false;
  if (whole_) whole_->second.last = false;
}

// A machine that stood still between clock and count would make a few packets look like many. That none came
// says nothing of the rate at which they will.
void Exposure::measure(const LetIn& count) {
  const Duration time = count.before - rate_from_.after;
  if (count.after - count.before > kExact || (rate_from_.after != Instant{} && time < kWindow)) return;
  if (rate_from_.after != Instant{}) {
    const std::uint64_t packets = count.total - std::min(count.total, rate_from_.total);
    if (packets != 0) peak_ = std::max(peak_, packets * kSecond / in_ns(time) + 1);
  }
  rate_from_ = count;
}

void Exposure::covered(Process owner, const Windows& reading) {
  if (owner != of_) return;
  behind_ = reading.open == kUnknown ? std::nullopt : std::optional{reading.open};
  covered_ = reading.let_in;
  heard_ = std::max(heard_, covered_);
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
  if (!behind_) return std::nullopt;
  if (fell_from_ && peak_ == 0) return std::nullopt;
  const std::uint64_t fallen = fell_from_ ? heard_ - std::min(heard_, *fell_from_) + since_heard(now) : 0;
  if (answers_) return *behind_ + fallen;
  const std::uint64_t open = *behind_ + fallen + (heard_ - covered_);
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
  covered_ = covered_before_ = heard_ = fell_at_ = 0;
  fell_from_.reset();
  rate_from_ = {};
  begun_at_ = total_;
  as_of_ = counted_at_ = now;
}

void Exposure::counted(const LetIn& count) {
  total_ = count.total;
  if (of_ != self_) return;
  heard_ = total_ - begun_at_;
  count_fallen();
  if (!answers_) return;  // another may own, unheard, and let in what this node does not count
  as_of_ = counted_at_ = count.before;
  measure(count);
}

void Exposure::read(std::uint64_t total) {
  if (of_ != self_) return;
  covered_before_ = std::exchange(covered_, total - std::min(total, begun_at_));
  heard_ = std::max(heard_, covered_);
}

// The newest reading may have begun when the SAs were gone already: the one before counts.
void Exposure::falls_back() {
  if (of_ == self_ && !fell_from_) fell_from_ = std::max(covered_before_, fell_at_);
}

// What was counted since falls_back(), in a reading or not, was in windows that are gone.
void Exposure::fell_back() {
  if (of_ == self_ && !fell_from_) fell_from_ = fell_at_;
}

void Exposure::count_fallen() {
  if (!fell_from_) return;
  if (behind_) *behind_ += heard_ - std::min(heard_, *fell_from_);
  fell_at_ = heard_;
  fell_from_.reset();
}

void Exposure::close() {
  if (of_ != self_) return;
  behind_ = 0;
  fell_from_.reset();
}

}  // namespace hasync::hasyncd
