// Port: which of the cluster's addresses this node carries, and telling its neighbours. It decides neither
// when an address moves nor how often that is announced.
#pragma once

#include <cstdint>
#include <string>

#include "base/address.h"
#include "base/result.h"

namespace hasync::clusterip {

struct Vip {
  std::string interface;
  Address address;
  std::uint8_t prefix = 32;  // bits, to 32 or 128
  bool operator==(const Vip&) const = default;
};

class Announcer {
 public:
  virtual ~Announcer() = default;

  // Both may be repeated. NotFound: no such interface; Denied; System. Taking an address away also takes away
  // the routes that name it as their source: that is the kernel's rule.
  virtual Status add(const Vip& vip) = 0;
  virtual Status withdraw(const Vip& vip) = 0;

  // IPv4: one gratuitous ARP in each form, request and reply; IPv6: one unsolicited neighbour advertisement.
  // The caller's timers repeat it. The address must have
  // an open deadline (Gate::set_address_deadline), else the egress program drops them. System: the link is
  // down.
  virtual Status announce_once(const Vip& vip) = 0;
};

}  // namespace hasync::clusterip
