#include "clusterip/adapters/address_label.h"

#include <linux/if_addrlabel.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

#include <memory>

namespace hasync::clusterip {
namespace {

constexpr std::uint32_t kLabel = 6724;  // of no prefix in the kernel's own table, which has 0 to 7

struct FreeMessage {
  void operator()(nl_msg* message) const { nlmsg_free(message); }
};

}  // namespace

int avoid_as_source(nl_sock* route, const Address& address) {
  std::unique_ptr<nl_msg, FreeMessage> message(
      nlmsg_alloc_simple(RTM_NEWADDRLABEL, NLM_F_CREATE | NLM_F_REPLACE));
  const auto bytes = address.wire();
  ifaddrlblmsg header{};
  header.ifal_family = AF_INET6;
  header.ifal_prefixlen = 128;
  if (!message || nlmsg_append(message.get(), &header, sizeof header, NLMSG_ALIGNTO) < 0 ||
      nla_put(message.get(), IFAL_ADDRESS, static_cast<int>(bytes.size()), bytes.data()) < 0 ||
      nla_put_u32(message.get(), IFAL_LABEL, kLabel) < 0)
    return -NLE_NOMEM;
  return nl_send_sync(route, message.release());  // which frees it
}

}  // namespace hasync::clusterip
