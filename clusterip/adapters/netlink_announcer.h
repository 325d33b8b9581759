// The announcer by rtnetlink (addresses) and a packet socket (gratuitous ARP, neighbour advertisements).
// Addresses are added with scope global and without a prefix route, so that removing one never takes the
// link's own route with it; IPv6 ones without duplicate address detection (RFC 4862, section 5.4), which
// would cost a second and find the old owner: that nobody else answers for the address is the fence's work.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "clusterip/announcer.h"

struct nl_sock;

namespace hasync::clusterip {

class NetlinkAnnouncer final : public Announcer {
 public:
  static Result<std::unique_ptr<NetlinkAnnouncer>> create();
  ~NetlinkAnnouncer() override;
  NetlinkAnnouncer(const NetlinkAnnouncer&) = delete;
  NetlinkAnnouncer& operator=(const NetlinkAnnouncer&) = delete;

  Status add(const Vip& vip) override;
  Status withdraw(const Vip& vip) override;
  Status announce_once(const Vip& vip) override;

 private:
  NetlinkAnnouncer(nl_sock* route, int packet) : route_(route), packet_(packet) {}
  Status send(const Vip& vip, int interface, std::span<const std::uint8_t> frame) const;

  nl_sock* route_;
  int packet_;
};

}  // namespace hasync::clusterip
