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

#include "clusterip/adapters/address_label.h"
#include "clusterip/arp_frame.h"
#include "clusterip/neighbour_frame.h"

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
  const std::uint8_t longest = vip.address.is_v4() ? 32 : 128;
  if (vip.prefix == 0 || vip.prefix > longest) {
    return invalid(name(vip) + ": prefix " + std::to_string(vip.prefix) + ", allowed are 1 to " +
                   std::to_string(longest));
  }
  const unsigned index = if_nametoindex(vip.interface.c_str());
  if (index == 0) return Error{Errc::NotFound, name(vip) + ": no such interface"};
  return static_cast<int>(index);
}

Result<RouteAddress> route_address(const Vip& vip) {
  const auto index = interface_index(vip);
  if (!index) return index.error();
  const auto bytes = vip.address.wire();
  nl_addr* local = nl_addr_build(vip.address.is_v4() ? AF_INET : AF_INET6, bytes.data(), bytes.size());
  RouteAddress address(rtnl_addr_alloc());
  if (local == nullptr || !address) return failed(vip, "memory", ENOMEM);
  nl_addr_set_prefixlen(local, vip.prefix);
  rtnl_addr_set_ifindex(address.get(), *index);
  const int status = rtnl_addr_set_local(address.get(), local);
  nl_addr_put(local);
  if (status < 0) return failed_netlink(vip, "address", status);
  rtnl_addr_set_scope(address.get(), RT_SCOPE_UNIVERSE);
  rtnl_addr_set_flags(address.get(), IFA_F_NOPREFIXROUTE | (vip.address.is_v4() ? 0U : IFA_F_NODAD));
  return address;
}

Result<Mac> mac_of(int fd, const Vip& vip) {
  ifreq request{};
  vip.interface.copy(request.ifr_name, sizeof(request.ifr_name) - 1);
  if (ioctl(fd, SIOCGIFHWADDR, &request) != 0) return failed(vip, "MAC", errno);
  if (request.ifr_hwaddr.sa_family != ARPHRD_ETHER) {
    return Error{Errc::Unsupported, name(vip) + ": not an Ethernet link: nothing can be announced there"};
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
  if (!vip.address.is_v4()) {
    if (const int status = avoid_as_source(route_, vip.address); status < 0)
      return failed_netlink(vip, "label", status);
  }
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
  if (!vip.address.is_v4()) return send(vip, *index, unsolicited_advertisement(*mac, vip.address));
  const Status request = send(vip, *index, gratuitous_arp(ArpForm::Request, *mac, vip.address));
  return request ? send(vip, *index, gratuitous_arp(ArpForm::Reply, *mac, vip.address)) : request;
}

Status NetlinkAnnouncer::send(const Vip& vip, int interface, std::span<const std::uint8_t> frame) const {
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_protocol = htons(vip.address.is_v4() ? ETH_P_ARP : ETH_P_IPV6);
  to.sll_ifindex = interface;
  to.sll_halen = sizeof(Mac);
  std::ranges::copy(frame.first<sizeof(Mac)>(), to.sll_addr);
  const auto* where = reinterpret_cast<const sockaddr*>(&to);
  if (::sendto(packet_, frame.data(), frame.size(), 0, where, sizeof(to)) < 0)
    return failed(vip, "announce", errno);
  return Done{};
}

}  // namespace hasync::clusterip
