#include "clusterip/adapters/tc_attachment.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace hasync::clusterip {
namespace {

// The first priority there is: nothing of an operator's runs before it. The handle tells our filter from
// others.
constexpr std::uint32_t kPriority = 1;
constexpr std::uint32_t kHandle = 0x4853;

std::string place(const std::string& interface, bool egress) {
  return "interface " + interface + (egress ? ", egress" : ", ingress");
}

Error failed(const std::string& where, const std::string& what, int error) {
  const Errc code = error == EPERM || error == EACCES ? Errc::Denied : Errc::System;
  return {code, where + ": " + what + ": " + std::strerror(error)};
}

// libbpf wants the padding of its option structures zeroed as well
template <typename Options>
void clear(Options& options) {
  std::memset(&options, 0, sizeof(options));
  options.sz = sizeof(options);
}

bpf_tc_hook hook_of(int ifindex, bool egress) {
  bpf_tc_hook hook;
  clear(hook);
  hook.ifindex = ifindex;
  hook.attach_point = egress ? BPF_TC_EGRESS : BPF_TC_INGRESS;
  return hook;
}

bpf_tc_opts our_filter() {
  bpf_tc_opts options;
  clear(options);
  options.handle = kHandle;
  options.priority = kPriority;
  return options;
}

Status check_link_type(const std::string& interface) {
  ifreq request{};
  if (interface.size() >= sizeof(request.ifr_name))
    return invalid("interface " + interface + ": name is too long");
  std::ranges::copy(interface, request.ifr_name);
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return failed("interface " + interface, "socket", errno);
  const int status = ioctl(fd, SIOCGIFHWADDR, &request);
  const int error = errno;
  close(fd);
  if (status != 0) return failed("interface " + interface, "link type", error);
  const auto type = request.ifr_hwaddr.sa_family;
  if (type == ARPHRD_ETHER || type == ARPHRD_LOOPBACK) return Done{};
  return Error{Errc::Unsupported, "interface " + interface + ": link type " + std::to_string(type) +
                                      " is not Ethernet; the fence cannot read its frames"};
}

int open_watch() {
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
  if (fd < 0) return -1;
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK | RTMGRP_TC;
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return fd;
  const int error = errno;
  close(fd);
  errno = error;
  return -1;
}

}  // namespace

Result<TcAttachment::Hook> TcAttachment::attach_one(const std::string& interface, bool egress, int program) {
  const std::string where = place(interface, egress);
  const auto ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
  if (ifindex == 0) return Error{Errc::NotFound, where + ": no such interface"};
  bpf_tc_hook hook = hook_of(ifindex, egress);
  if (const int status = bpf_tc_hook_create(&hook); status != 0 && status != -EEXIST) {
    return failed(where, "clsact qdisc (kernel module sch_ingress)", -status);
  }
  bpf_tc_opts filter = our_filter();
  filter.prog_fd = program;
  filter.flags = BPF_TC_F_REPLACE;
  if (const int status = bpf_tc_attach(&hook, &filter); status != 0) {
    return failed(where,
                  "tc filter (kernel module cls_bpf; another kind of filter at priority 1 is in the way)",
                  -status);
  }
  return Hook{interface, ifindex, egress, filter.prog_id};
}

Result<TcAttachment> TcAttachment::attach(const std::vector<std::string>& interfaces, int ingress_program,
                                          int egress_program) {
  TcAttachment attachment;
  // First: detached unnoticed, nothing would hold this node back.
  attachment.watch_fd_ = open_watch();
  if (attachment.watch_fd_ < 0) return failed("netlink", "changes of tc cannot be watched", errno);
  for (const std::string& interface : interfaces) {
    if (auto status = check_link_type(interface); !status) return status.error();
    for (const bool egress : {true, false}) {
      auto hook = attach_one(interface, egress, egress ? egress_program : ingress_program);
      if (!hook) return hook.error();
      attachment.hooks_.push_back(*hook);
    }
  }
  return attachment;
}

Status TcAttachment::check() const {
  for (const Hook& hook : hooks_) {
    const bpf_tc_hook place_of_hook = hook_of(hook.ifindex, hook.egress);
    bpf_tc_opts filter = our_filter();
    const int status = bpf_tc_query(&place_of_hook, &filter);
    if (status != 0) {
      return Error{Errc::NotFound,
                   place(hook.interface, hook.egress) + ": the program is gone: " + std::strerror(-status)};
    }
    if (filter.prog_id != hook.program_id) {
      return Error{Errc::NotFound, place(hook.interface, hook.egress) + ": program " +
                                       std::to_string(filter.prog_id) + " stands where " +
                                       std::to_string(hook.program_id) + " was attached"};
    }
  }
  return Done{};
}

void TcAttachment::detach() {
  for (const Hook& hook : hooks_) {
    const bpf_tc_hook place_of_hook = hook_of(hook.ifindex, hook.egress);
    bpf_tc_opts filter = our_filter();
    if (bpf_tc_query(&place_of_hook, &filter) != 0 || filter.prog_id != hook.program_id) continue;
    const bpf_tc_opts ours = our_filter();
    bpf_tc_detach(&place_of_hook, &ours);
  }
  hooks_.clear();
}

void TcAttachment::drain() const {
  // What changed does not matter, nor does what was lost: the caller checks everything.
  std::array<char, 8192> buffer{};
  while (recv(watch_fd_, buffer.data(), buffer.size(), MSG_DONTWAIT) >= 0 || errno == ENOBUFS ||
         errno == EINTR) {
  }
}

TcAttachment::TcAttachment(TcAttachment&& other) noexcept
    : hooks_(std::move(other.hooks_)), watch_fd_(std::exchange(other.watch_fd_, -1)) {}

TcAttachment& TcAttachment::operator=(TcAttachment&& other) noexcept {
  std::swap(hooks_, other.hooks_);
  std::swap(watch_fd_, other.watch_fd_);
  return *this;
}

TcAttachment::~TcAttachment() {
  if (watch_fd_ >= 0) close(watch_fd_);
}

}  // namespace hasync::clusterip
