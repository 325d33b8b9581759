#include "hasyncd/node/fresh_windows.h"

#include "hasyncd/node/taken_over.h"

namespace hasync::hasyncd {

namespace {

constexpr Duration kAgain = std::chrono::seconds{10};
constexpr int kTimes = 3;

}  // namespace

void FreshWindows::begin(const std::vector<EspSpi>& outbound) {
  ++begun_;
  open_.clear();
  asks_.clear();
  for (const EspSpi spi : outbound) add(spi);
}

void FreshWindows::add(EspSpi outbound) {
  if (open_.insert(outbound).second) asks_.push_front({{}, outbound});
}

std::vector<EspSpi> FreshWindows::due(Instant now) {
  std::vector<EspSpi> out;
  while (!asks_.empty() && asks_.front().at <= now && out.size() < kExchangesAtOnce) {
    const Ask ask = asks_.front();
    asks_.pop_front();
    if (!open_.contains(ask.spi)) continue;
    out.push_back(ask.spi);
    if (ask.time < kTimes) asks_.push_back({now + kAgain, ask.spi, ask.time + 1});
  }
  return out;
}

}  // namespace hasync::hasyncd
