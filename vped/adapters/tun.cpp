#include "vped/adapters/tun.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace hasync::vped {
namespace {

ifreq request_for(const std::string& name) {
  ifreq out{};
  name.copy(out.ifr_name, sizeof(out.ifr_name) - 1);
  return out;
}

Result<Fd> open_queue(const std::string& name) {
  Fd fd(::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return system_error("/dev/net/tun");
  ifreq request = request_for(name);
  request.ifr_flags = static_cast<short>(IFF_TUN | IFF_NO_PI | IFF_MULTI_QUEUE | IFF_VNET_HDR);
  if (::ioctl(fd.get(), TUNSETIFF, &request) != 0)
    return Error{Errc::Conflict, "interface " + name + ": " + std::strerror(errno)};
  if (::ioctl(fd.get(), TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN) != 0)
    return system_error("interface " + name + ": offloads");
  return fd;
}

Status on_interface(unsigned long what, ifreq& request, const std::string& text) {
  const Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (fd && ::ioctl(fd.get(), what, &request) == 0) return Done{};
  return system_error("interface " + std::string(request.ifr_name) + ": " + text);
}

}  // namespace

Result<Tun> Tun::create(const std::string& name, std::uint32_t queues) {
  Tun out(name);
  for (std::uint32_t i = 0; i < queues; ++i) {
    auto queue = open_queue(name);
    if (!queue) return queue.error();
    out.queues_.push_back(*std::move(queue));
  }
  return out;
}

Status Tun::set_mtu(std::uint32_t mtu) const {
  ifreq request = request_for(name_);
  request.ifr_mtu = static_cast<int>(mtu);
  return on_interface(SIOCSIFMTU, request, "mtu " + std::to_string(mtu));
}

Status Tun::set_up() const {
  ifreq request = request_for(name_);
  if (Status got = on_interface(SIOCGIFFLAGS, request, "flags"); !got) return got;
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  return on_interface(SIOCSIFFLAGS, request, "up");
}

}  // namespace hasync::vped
