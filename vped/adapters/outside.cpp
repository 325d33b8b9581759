#include "vped/adapters/outside.h"

#include <ifaddrs.h>
#include <linux/filter.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>

#include "base/bytes.h"
#include "vpe/big_endian.h"
#include "vped/steering.h"

namespace hasync::vped {
namespace {

constexpr int kReceiveBuffer = 16 << 20;
constexpr int kSendBuffer = 4 << 20;
constexpr timeval kLongestSend{0, 20'000};  // then the packets are lost, and the other direction goes on

static_assert(sizeof(sock_filter) == sizeof(BpfStep) && offsetof(sock_filter, k) == offsetof(BpfStep, k));

struct Name {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Name name_of(const Address& address, std::uint16_t port) {
  Name out;
  if (address.is_v4()) {
    auto& in = reinterpret_cast<sockaddr_in&>(out.storage);
    in.sin_family = AF_INET;
    in.sin_port = vpe::big_endian(port);
    std::ranges::copy(address.wire(), reinterpret_cast<std::uint8_t*>(&in.sin_addr));
    out.size = sizeof(in);
  } else {
    auto& in = reinterpret_cast<sockaddr_in6&>(out.storage);
    in.sin6_family = AF_INET6;
    in.sin6_port = vpe::big_endian(port);
    std::ranges::copy(address.wire(), reinterpret_cast<std::uint8_t*>(&in.sin6_addr));
    out.size = sizeof(in);
  }
  return out;
}

template <typename Value>
bool set(const Fd& fd, int level, int option, const Value& value) {
  return ::setsockopt(fd.get(), level, option, &value, sizeof(value)) == 0;
}

// Beyond the limit for others where we may, up to it otherwise.
void set_buffer(const Fd& fd, int forced, int option, int size) {
  if (!set(fd, SOL_SOCKET, forced, size)) set(fd, SOL_SOCKET, option, size);
}

bool attach(const Fd& fd, int option, std::vector<BpfStep> steps) {
  const sock_fprog program{static_cast<unsigned short>(steps.size()),
                           reinterpret_cast<sock_filter*>(steps.data())};
  return set(fd, SOL_SOCKET, option, program);
}

Fd udp_socket(const Address& address) {
  return Fd(::socket(address.is_v4() ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

// An address that is not (or no longer) this machine's may be bound and sent from.
bool bind(const Fd& fd, const Own& own, std::uint16_t port) {
  const bool v4 = own.address.is_v4();
  if (own.shared && !set(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TRANSPARENT : IPV6_TRANSPARENT, 1))
    return false;
  const Name name = name_of(own.address, port);
  return ::bind(fd.get(), name.get(), name.size) == 0;
}

// One of several of a port; `program` (none: empty) is attached as this option.
Result<Fd> open_inbox(const Own& own, std::uint16_t port, int option, std::vector<BpfStep> program) {
  Fd fd = udp_socket(own.address);
  if (!fd || !set(fd, SOL_SOCKET, SO_REUSEPORT, 1) || !set(fd, SOL_UDP, UDP_GRO, 1) ||
      (!program.empty() && !attach(fd, option, std::move(program))))
    return system_error("socket to receive");
  set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, kReceiveBuffer);
  if (!bind(fd, own, port))
    return system_error("port " + std::to_string(port) + " of " + to_string(own.address));
  return fd;
}

// Of the interface that has this address; 0: there is none.
int index_of(const Address& own) {
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return 0;
  const Name name = name_of(own, 0);
  const auto has = [&](const ifaddrs& one) {
    if (one.ifa_addr == nullptr || one.ifa_addr->sa_family != name.storage.ss_family) return false;
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(one.ifa_addr);
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(one.ifa_addr);
    const void* address = own.is_v4() ? static_cast<const void*>(&v4->sin_addr) : &v6->sin6_addr;
    return std::memcmp(address, own.wire().data(), own.wire().size()) == 0;
  };
  unsigned index = 0;
  for (const ifaddrs* one = all; one != nullptr && index == 0; one = one->ifa_next)
    if (has(*one)) index = ::if_nametoindex(one->ifa_name);
  ::freeifaddrs(all);
  return static_cast<int>(index);
}

std::size_t mtu_of(const Fd& fd, int interface) {
  ifreq request{};
  if (::if_indextoname(static_cast<unsigned>(interface), request.ifr_name) == nullptr ||
      ::ioctl(fd.get(), SIOCGIFMTU, &request) != 0)
    return 0;
  return static_cast<std::size_t>(std::max(request.ifr_mtu, 0));
}

bool join_group(const Fd& fd, const Address& group, int interface) {
  if (group.is_v4()) {
    ip_mreqn request{};
    std::memcpy(&request.imr_multiaddr, group.wire().data(), sizeof(request.imr_multiaddr));
    request.imr_ifindex = interface;
    return set(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, request);
  }
  ipv6_mreq request{};
  std::memcpy(&request.ipv6mr_multiaddr, group.wire().data(), sizeof(request.ipv6mr_multiaddr));
  request.ipv6mr_interface = static_cast<unsigned>(interface);
  return set(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, request);
}

// Who sends leaves by this interface, passes so many hops, and does not hear itself.
bool set_group(const Fd& fd, bool v4, int interface, std::uint8_t hops) {
  const int level = v4 ? IPPROTO_IP : IPPROTO_IPV6;
  const ip_mreqn by{.imr_ifindex = interface};
  return (v4 ? set(fd, level, IP_MULTICAST_IF, by) : set(fd, level, IPV6_MULTICAST_IF, interface)) &&
         set(fd, level, v4 ? IP_MULTICAST_TTL : IPV6_MULTICAST_HOPS, int{hops}) &&
         set(fd, level, v4 ? IP_MULTICAST_LOOP : IPV6_MULTICAST_LOOP, 0);
}

std::uint16_t port_of(const Fd& fd) {
  sockaddr_storage name{};
  socklen_t size = sizeof(name);
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&name), &size);
  return vpe::big_endian(
      reinterpret_cast<const sockaddr_in&>(name).sin_port);  // IPv6 has it at the same place
}

Result<Fd> open_sender(const Own& own) {
  Fd fd = udp_socket(own.address);
  const bool v4 = own.address.is_v4();
  static_assert(IP_PMTUDISC_DO == IPV6_PMTUDISC_DO);
  // nothing is to be received here
  if (!fd ||
      !set(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER, IP_PMTUDISC_DO) ||
      !attach(fd, SO_ATTACH_FILTER, {{.code = BPF_RET | BPF_K, .k = 0}}) ||
      !set(fd, SOL_SOCKET, SO_SNDTIMEO, kLongestSend))
    return system_error("socket to send");
  set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, kSendBuffer);
  if (!bind(fd, own, 0)) return system_error("address " + to_string(own.address));
  return fd;
}

// What accompanies one message.
struct Control {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int)) * 2> space{};
};

void add(msghdr& message, Control& control, int level, int type, const void* value, std::size_t size) {
  const std::size_t before = message.msg_controllen;
  auto* header = reinterpret_cast<cmsghdr*>(control.space.data() + before);
  header->cmsg_level = level;
  header->cmsg_type = type;
  header->cmsg_len = CMSG_LEN(size);
  std::memcpy(CMSG_DATA(header), value, size);
  message.msg_control = control.space.data();
  message.msg_controllen = before + CMSG_SPACE(size);
}

void fill(msghdr& message, Control& control, iovec& part, BytesView bytes, const Train& train, bool v4) {
  part = {const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
  message = {.msg_iov = &part, .msg_iovlen = 1};
  if (train.packets > 1) {
    const auto segment = static_cast<std::uint16_t>(train.segment);
    add(message, control, SOL_UDP, UDP_SEGMENT, &segment, sizeof(segment));
  }
  if (train.dscp != 0) {  // RFC 4301, section 5.1.2.1; ECN is not copied (RFC 6040, section 4.3)
    const int tos = train.dscp << 2;
    add(message, control, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TOS : IPV6_TCLASS, &tos, sizeof(tos));
  }
}

}  // namespace

Result<std::vector<Inbox>> Inbox::open(const Own& own, std::uint16_t port, std::uint32_t workers) {
  std::vector<Inbox> out;
  for (std::uint32_t i = 0; i < workers; ++i) {
    // the first one brings the program along; the others join its group
    auto fd =
        open_inbox(own, port, SO_ATTACH_REUSEPORT_CBPF, i == 0 ? steering(workers) : std::vector<BpfStep>{});
    if (!fd) return fd.error();
    port = port_of(*fd);
    out.push_back(Inbox(*std::move(fd)));
  }
  return out;
}

Result<std::vector<Inbox>> Inbox::join(const Address& own, const Address& group, std::uint16_t port,
                                       std::uint32_t workers) {
  const int interface = index_of(own);
  if (interface == 0) return Error{Errc::NotFound, "no interface has the address " + to_string(own)};
  std::vector<Inbox> out;
  for (std::uint32_t i = 0; i < workers; ++i) {
    auto fd = open_inbox(group, port, SO_ATTACH_FILTER, only_for(i, workers));
    if (!fd) return fd.error();
    if (!join_group(*fd, group, interface)) return system_error("group " + to_string(group));
    out.push_back(Inbox(*std::move(fd)));
  }
  return out;
}

std::uint16_t Inbox::port() const {
  return port_of(socket_);
}

std::size_t Inbox::receive() {
  std::array<mmsghdr, kMost> messages{};
  std::array<iovec, kMost> parts;
  std::array<Control, kMost> controls;
  for (std::size_t i = 0; i < kMost; ++i) {
    parts[i] = {buffer(i), kBuffer};
    messages[i].msg_hdr = {.msg_iov = &parts[i],
                           .msg_iovlen = 1,
                           .msg_control = controls[i].space.data(),
                           .msg_controllen = controls[i].space.size()};
  }
  const int count = ::recvmmsg(socket_.get(), messages.data(), kMost, MSG_DONTWAIT, nullptr);
  if (count <= 0) return 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    sizes_[i] = messages[i].msg_len;
    segments_[i] = 0;
    msghdr& message = messages[i].msg_hdr;
    for (cmsghdr* one = CMSG_FIRSTHDR(&message); one != nullptr; one = CMSG_NXTHDR(&message, one)) {
      if (one->cmsg_level != SOL_UDP || one->cmsg_type != UDP_GRO) continue;
      int segment = 0;
      std::memcpy(&segment, CMSG_DATA(one), sizeof(segment));
      segments_[i] = static_cast<std::size_t>(std::max(segment, 0));
    }
  }
  return static_cast<std::size_t>(count);
}

Result<PeerSocket> PeerSocket::open(const Own& own, const Address& peer, std::uint16_t port) {
  auto fd = open_sender(own);
  if (!fd) return fd.error();
  PeerSocket out(*std::move(fd), peer, port);
  (void)out.path_mtu();
  return out;
}

Result<PeerSocket> PeerSocket::open_group(const Address& own, const Address& group, std::uint16_t port,
                                          std::uint8_t hops) {
  auto fd = open_sender(own);
  if (!fd) return fd.error();
  const int interface = index_of(own);
  if (interface == 0 || !set_group(*fd, own.is_v4(), interface, hops))
    return system_error("socket to the group " + to_string(group));
  PeerSocket out(*std::move(fd), group, port);
  out.interface_ = interface;
  (void)out.path_mtu();
  return out;
}

std::size_t PeerSocket::path_mtu() {
  if (!connected_) {
    const Name name = name_of(peer_, port_);
    connected_ = ::connect(socket_.get(), name.get(), name.size) == 0;
  }
  if (interface_ != 0) return stale_ = false, mtu_of(socket_, interface_);
  int mtu = 0;
  socklen_t size = sizeof(mtu);
  const bool v4 = peer_.is_v4();
  stale_ = false;
  if (::getsockopt(socket_.get(), v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_MTU : IPV6_MTU, &mtu, &size) != 0)
    return 0;
  return static_cast<std::size_t>(std::max(mtu, 0));
}

// An error that an earlier packet brought about is reported by the call for a later one, which was not sent
// then: so each is tried twice.
std::size_t PeerSocket::send(const Outbox& outbox, std::span<const Train> trains) {
  constexpr std::size_t most = 16;
  std::size_t lost = 0;
  bool again = false;
  while (!trains.empty()) {
    std::array<mmsghdr, most> messages{};
    std::array<iovec, most> parts;
    std::array<Control, most> controls;
    const std::size_t count = std::min(trains.size(), most);
    for (std::size_t i = 0; i < count; ++i)
      fill(messages[i].msg_hdr, controls[i], parts[i], outbox.bytes_of(trains[i]), trains[i], peer_.is_v4());
    const int sent = ::sendmmsg(socket_.get(), messages.data(), static_cast<unsigned>(count), 0);
    if (sent > 0) {
      trains = trains.subspan(static_cast<std::size_t>(sent));
      again = false;
      continue;
    }
    stale_ = stale_ || errno == EMSGSIZE || errno == EINVAL;  // EINVAL: a segment beyond the MTU
    if (std::exchange(again, !again) || errno == EAGAIN) {
      lost += trains[0].packets;
      trains = trains.subspan(1);
      again = false;
    }
  }
  return lost;
}

std::size_t outer_header(const Address& peer) {
  return (peer.is_v4() ? 20U : 40U) + 8U;
}

}  // namespace hasync::vped
