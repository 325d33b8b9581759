// The announcer by rtnetlink (addresses) and a packet socket (gratuitous ARP). Addresses are added with scope
// global and without a prefix route, so that removing one never takes the link's own route with it.
#pragma once

#include <memory>

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
  nl_sock* route_;
  int packet_;
};

}  // namespace hasync::clusterip
