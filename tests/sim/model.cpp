#include "tests/sim/model.h"

#include <algorithm>
#include <cstring>

namespace hasync::sim {

namespace {

constexpr std::size_t kRemembered = 8;  // the real gate remembers more

void put(std::string& out, const void* what, std::size_t size) {
  out.append(static_cast<const char*>(what), size);
}

void get(const std::string& from, std::size_t& at, void* what, std::size_t size) {
  std::memcpy(what, from.data() + at, size);
  at += size;
}

}  // namespace

std::string seal(const IkeSa& sa) {
  std::string out;
  put(out, &sa.id, sizeof sa.id);
  put(out, &sa.change, sizeof sa.change);
  put(out, &sa.messages, sizeof sa.messages);
  put(out, sa.peer.bytes.data(), sa.peer.bytes.size());
  for (const Child& child : sa.children) put(out, &child, sizeof child);
  return out;
}

IkeSa unseal(const std::string& sealed) {
  IkeSa out;
  std::size_t at = 0;
  get(sealed, at, &out.id, sizeof out.id);
  get(sealed, at, &out.change, sizeof out.change);
  get(sealed, at, &out.messages, sizeof out.messages);
  get(sealed, at, out.peer.bytes.data(), out.peer.bytes.size());
  while (at < sealed.size()) get(sealed, at, &out.children.emplace_back(), sizeof(Child));
  return out;
}

bool Window::accept(std::uint64_t number) {
  if (number > top_) {
    const std::uint64_t up = number - top_;
    seen_ = (up < kSize ? seen_ << up : 0) | 1U;
    top_ = number;
    return true;
  }
  const std::uint64_t below = top_ - number;
  if (number == 0 || below >= kSize || (seen_ >> below & 1U) != 0) return false;
  seen_ |= std::uint64_t{1} << below;
  return true;
}

void Window::raise(std::uint64_t top, bool filled) {
  if (top <= top_) return;
  top_ = top;
  seen_ = filled ? ~std::uint64_t{0} : 0;
}

void Kernel::raise(EspSpi spi, std::uint64_t top, bool filled) {
  const auto sa = inbound_.find(spi);
  if (sa != inbound_.end()) sa->second.window.raise(top, filled);
}

// As the real gate: a floor never goes back (clusterip/gate.h).
void Kernel::set_gate(const std::vector<hasyncd::GateLimits>& limits) {
  for (const hasyncd::GateLimits& wanted : limits) {
    GateEntry& entry = gates_[wanted.key];
    entry.floor = std::max(entry.floor, wanted.floor);
    entry.ceiling = wanted.ceiling;
  }
}

void Kernel::forget(const std::vector<OutboundKey>& keys) {
  for (const OutboundKey& key : keys) gates_.erase(key);
}

void Kernel::set_number(const hasyncd::OutboundNumber& number) {
  const auto sa = sas_.find(number.key);
  if (sa != sas_.end()) sa->second.used = number.used;
}

bool Kernel::within_limits(const OutboundKey& key, std::uint64_t number) const {
  const auto gate = gates_.find(key);
  if (gate == gates_.end()) return false;
  return number >= gate->second.floor && number < gate->second.ceiling;
}

std::uint64_t Kernel::left(const OutboundKey& key) const {
  const auto gate = gates_.find(key);
  return gate == gates_.end() || gate->second.left.empty() ? 0 : *gate->second.left.rbegin();
}

bool Kernel::takes(const OutboundKey& key, std::uint64_t number) {
  auto& left = gates_.at(key).left;
  if (left.size() == kRemembered && number < *left.begin()) return false;
  if (!left.insert(number).second) return false;
  if (left.size() > kRemembered) left.erase(left.begin());
  return true;
}

}  // namespace hasync::sim
