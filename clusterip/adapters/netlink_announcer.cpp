#include "clusterip/adapters/netlink_announcer.h"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "clusterip/arp_frame.h"

namespace hasync::clusterip {
namespace {

struct PutAddress {
  void operator()(rtnl_addr* address) const { rtnl_addr_put(address); }
};
using RouteAddress = std::unique_ptr<rtnl_addr, PutAddress>;

std::string name(const Vip& vip) {
  return "VIP " + to_string(vip.address) + " on " + vip.interface;
}

Error failed(const Vip& vip, const std::string& what, int error) {
  const Errc code = error == EPERM || error == EACCES ? Errc::Denied : Errc::System;
  return {code, name(vip) + ": " + what + ": " + std::strerror(error)};
}

Error failed_netlink(const Vip& vip, const std::string& what, int nl_error) {
  const Errc code = nl_error == -NLE_PERM || nl_error == -NLE_NOACCESS ? Errc::Denied : Errc::System;
  return {code, name(vip) + ": " + what + ": " + nl_geterror(nl_error)};
}

Result<int> interface_index(const Vip& vip) {
  if (!vip.address.is_v4()) return Error{Errc::Unsupported, name(vip) + ": only IPv4 can be announced"};
  if (vip.prefix == 0 || vip.prefix > 32) {
    return invalid(name(vip) + ": prefix " + std::to_string(vip.prefix) + ", allowed are 1 to 32");
  }
  const unsigned index = if_nametoindex(vip.interface.c_str());
  if (index == 0) return Error{Errc::NotFound, name(vip) + ": no such interface"};
  return static_cast<int>(index);
}

Result<RouteAddress> route_address(const Vip& vip) {
  const auto index = interface_index(vip);
  if (!index) return index.error();
  const auto bytes = vip.address.wire();
  nl_addr* local = nl_addr_build(AF_INET, bytes.data(), bytes.size());
  RouteAddress address(rtnl_addr_alloc());
  if (local == nullptr || !address) return failed(vip, "memory", ENOMEM);
  nl_addr_set_prefixlen(local, vip.prefix);
  rtnl_addr_set_ifindex(address.get(), *index);
  const int status = rtnl_addr_set_local(address.get(), local);
  nl_addr_put(local);
  if (status < 0) return failed_netlink(vip, "address", status);
  rtnl_addr_set_scope(address.get(), RT_SCOPE_UNIVERSE);
  rtnl_addr_set_flags(address.get(), IFA_F_NOPREFIXROUTE);
  return address;
}

Result<Mac> mac_of(int fd, const Vip& vip) {
  ifreq request{};
  vip.interface.copy(request.ifr_name, sizeof(request.ifr_name) - 1);
  if (ioctl(fd, SIOCGIFHWADDR, &request) != 0) return failed(vip, "MAC", errno);
  if (request.ifr_hwaddr.sa_family != ARPHRD_ETHER) {
    return Error{Errc::Unsupported, name(vip) + ": not an Ethernet link, it has no ARP"};
  }
  Mac mac{};
  std::memcpy(mac.data(), request.ifr_hwaddr.sa_data, mac.size());
  return mac;
}

}  // namespace

Result<std::unique_ptr<NetlinkAnnouncer>> NetlinkAnnouncer::create() {
  nl_sock* route = nl_socket_alloc();
  if (route == nullptr) return Error{Errc::System, "announcer: memory"};
  if (const int status = nl_connect(route, NETLINK_ROUTE); status < 0) {
    nl_socket_free(route);
    return Error{Errc::System, std::string("announcer: rtnetlink: ") + nl_geterror(status)};
  }
  // protocol 0: it sends only, no frame is ever queued to it
  const int packet = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (packet < 0) {
    const int error = errno;
    nl_socket_free(route);
    return Error{error == EPERM ? Errc::Denied : Errc::System,
                 std::string("announcer: packet socket: ") + std::strerror(error)};
  }
  return std::unique_ptr<NetlinkAnnouncer>(new NetlinkAnnouncer(route, packet));
}

NetlinkAnnouncer::~NetlinkAnnouncer() {
  nl_socket_free(route_);
  close(packet_);
}

Status NetlinkAnnouncer::add(const Vip& vip) {
  const auto address = route_address(vip);
  if (!address) return address.error();
  const int status = rtnl_addr_add(route_, address->get(), NLM_F_CREATE | NLM_F_REPLACE);
  if (status < 0) return failed_netlink(vip, "add", status);
  return Done{};
}

Status NetlinkAnnouncer::withdraw(const Vip& vip) {
  const auto address = route_address(vip);
  if (!address) return address.error();
  const int status = rtnl_addr_delete(route_, address->get(), 0);
  if (status < 0 && status != -NLE_NOADDR) return failed_netlink(vip, "withdraw", status);
  return Done{};
}

Status NetlinkAnnouncer::announce_once(const Vip& vip) {
  const auto index = interface_index(vip);
  if (!index) return index.error();
  const auto mac = mac_of(packet_, vip);
  if (!mac) return mac.error();
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_protocol = htons(ETH_P_ARP);
  to.sll_ifindex = *index;
  to.sll_halen = sizeof(Mac);
  std::ranges::fill(std::span(to.sll_addr).first<sizeof(Mac)>(), std::uint8_t{0xff});
  for (const ArpForm form : {ArpForm::Request, ArpForm::Reply}) {
    const ArpFrame frame = gratuitous_arp(form, *mac, vip.address);
    if (sendto(packet_, frame.data(), frame.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) <
        0) {
      return failed(vip, "announce", errno);
    }
  }
  return Done{};
}

}  // namespace hasync::clusterip
