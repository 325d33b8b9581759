#include "clusterip/adapters/link_watch.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace hasync::clusterip {

Result<LinkWatch> LinkWatch::open(std::vector<std::string> interfaces) {
  const auto failed = [](const char* call) {
    return Error{Errc::System, std::string(call) + ": " + std::strerror(errno)};
  };
  const int netlink = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
  if (netlink < 0) return failed("link events: socket");
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK;
  const int query = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  LinkWatch watch(std::move(interfaces), netlink, query);
  if (query < 0) return failed("link flags: socket");
  if (::bind(netlink, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return failed("link events: bind");
  return watch;
}

LinkWatch::LinkWatch(LinkWatch&& other) noexcept
    : interfaces_(std::move(other.interfaces_)),
      netlink_(std::exchange(other.netlink_, -1)),
      query_(std::exchange(other.query_, -1)) {}

LinkWatch::~LinkWatch() {
  if (netlink_ >= 0) ::close(netlink_);
  if (query_ >= 0) ::close(query_);
}

// What the messages say does not matter, even that some were lost: the state is asked for afterwards.
void LinkWatch::drain() const {
  std::array<char, 8192> buffer{};
  while (::recv(netlink_, buffer.data(), buffer.size(), 0) > 0 || errno == ENOBUFS) {
  }
}

std::vector<std::string> LinkWatch::down() const {
  std::vector<std::string> out;
  for (const std::string& name : interfaces_) {
    ifreq request{};
    name.copy(request.ifr_name, IFNAMSIZ - 1);
    const bool known = ::ioctl(query_, SIOCGIFFLAGS, &request) == 0;
    constexpr short kCarries = IFF_UP | IFF_RUNNING;
    if (!known || (request.ifr_flags & kCarries) != kCarries) out.push_back(name);
  }
  return out;
}

}  // namespace hasync::clusterip
