// Announcements: when an owner tells its segments again that the shared address is here (gratuitous ARP, RFC
// 5227, section 3; unsolicited neighbour advertisements, RFC 4861, section 7.2.6). A switch or a host may
// have missed the first, and whoever held the address before may have spoken last. Refuses to know how.
#pragma once

#include <array>

#include "hasyncd/log/agreement.h"

namespace hasync::hasyncd {

class Announcements {
 public:
  // The address has just been taken, and was announced with that.
  void taken(Instant now) { begin_at(now + kWaits.front()); }
  // It may have been announced elsewhere since.
  void begin_anew(Instant now) { begin_at(now); }
  // It is time for one.
  bool due(Instant now) {
    if (said_ == kWaits.size() || now < next_) return false;
    if (++said_ < kWaits.size()) next_ = now + kWaits.at(said_);
    return true;
  }

 private:
  static constexpr std::array kWaits = {std::chrono::milliseconds{20}, std::chrono::milliseconds{100},
                                        std::chrono::milliseconds{500}, std::chrono::milliseconds{2000}};
  void begin_at(Instant next) {
    said_ = 0;
    next_ = next;
  }

  std::size_t said_ = kWaits.size();
  Instant next_{};
};

}  // namespace hasync::hasyncd
