#include "clusterip/adapters/link_facts.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

namespace hasync::clusterip {
namespace {

constexpr std::string_view kEspOffload = "esp-hw-offload";
constexpr std::string_view kSendsOnAnother[] = {"vlan", "macvlan", "macvtap", "ipvlan"};
constexpr std::uint32_t kBits = 32;  // features of one ethtool block

// A request with its variable part, for SIOCETHTOOL.
template <typename Request, typename Part>
class EthtoolRequest {
 public:
  EthtoolRequest(std::uint32_t command, std::size_t parts)
      : bytes_((sizeof(Request) + parts * sizeof(Part) + sizeof(std::uint64_t) - 1) / sizeof(std::uint64_t)) {
    head().cmd = command;
  }
  Request& head() { return *reinterpret_cast<Request*>(bytes_.data()); }
  Part* parts() { return reinterpret_cast<Part*>(reinterpret_cast<char*>(bytes_.data()) + sizeof(Request)); }

 private:
  std::vector<std::uint64_t> bytes_;
};

// 0 or errno.
int ethtool(int fd, const std::string& interface, void* request) {
  ifreq call{};
  interface.copy(call.ifr_name, sizeof(call.ifr_name) - 1);
  call.ifr_data = static_cast<char*>(request);
  return ioctl(fd, SIOCETHTOOL, &call) == 0 ? 0 : errno;
}

// 0 or errno.
int read_feature(int fd, const std::string& interface, std::string_view feature, bool& active) {
  EthtoolRequest<ethtool_sset_info, std::uint32_t> count(ETHTOOL_GSSET_INFO, 1);
  count.head().sset_mask = 1ULL << ETH_SS_FEATURES;
  if (const int error = ethtool(fd, interface, &count.head()); error != 0) return error;
  const std::uint32_t features = count.head().sset_mask == 0 ? 0 : *count.parts();

  struct Name {
    char text[ETH_GSTRING_LEN];
  };
  EthtoolRequest<ethtool_gstrings, Name> names(ETHTOOL_GSTRINGS, features);
  names.head().string_set = ETH_SS_FEATURES;
  names.head().len = features;
  if (const int error = ethtool(fd, interface, &names.head()); error != 0) return error;

  const std::uint32_t blocks = (features + kBits - 1) / kBits;
  EthtoolRequest<ethtool_gfeatures, ethtool_get_features_block> states(ETHTOOL_GFEATURES, blocks);
  states.head().size = blocks;
  if (const int error = ethtool(fd, interface, &states.head()); error != 0) return error;

  for (std::uint32_t i = 0; i < features; ++i) {
    const char* text = names.parts()[i].text;
    if (std::string_view(text, strnlen(text, ETH_GSTRING_LEN)) != feature) continue;
    active = (states.parts()[i / kBits].active >> i % kBits & 1) != 0;
  }
  return 0;
}

struct FreeLink {
  void operator()(rtnl_link* link) const { rtnl_link_put(link); }
};
struct FreeSocket {
  void operator()(nl_sock* socket) const { nl_socket_free(socket); }
};

Result<LinkFacts> read_link(nl_sock* netlink, const std::string& interface) {
  const std::string where = "interface " + interface + ": ";
  rtnl_link* found = nullptr;
  if (const int error = rtnl_link_get_kernel(netlink, 0, interface.c_str(), &found); error < 0) {
    return Error{error == -NLE_NODEV || error == -NLE_OBJ_NOTFOUND ? Errc::NotFound : Errc::System,
                 where + (error == -NLE_NODEV ? "no such interface" : nl_geterror(error))};
  }
  const std::unique_ptr<rtnl_link, FreeLink> link(found);
  LinkFacts facts{interface, rtnl_link_get_ifindex(found), rtnl_link_get_master(found), 0, false};
  // Of others, this is a veth's other end, or what a tunnel runs over.
  const char* type = rtnl_link_get_type(found);
  if (type != nullptr && std::ranges::find(kSendsOnAnother, type) != std::end(kSendsOnAnother)) {
    facts.below = rtnl_link_get_link(found);
  }
  const auto offload = feature_active(interface, kEspOffload);
  if (!offload) return offload.error();
  facts.esp_offload = *offload;
  return facts;
}

}  // namespace

Result<bool> feature_active(const std::string& interface, std::string_view feature) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  bool active = false;
  const int error = fd < 0 ? errno : read_feature(fd, interface, feature, active);
  if (fd >= 0) close(fd);
  if (error == 0) return active;
  return Error{Errc::System, "interface " + interface + ": its offloads: " + std::strerror(error)};
}

Result<std::vector<LinkFacts>> read_links(const std::vector<std::string>& interfaces) {
  const std::unique_ptr<nl_sock, FreeSocket> netlink(nl_socket_alloc());
  if (!netlink) return Error{Errc::System, "netlink: no memory"};
  if (const int error = nl_connect(netlink.get(), NETLINK_ROUTE); error < 0) {
    return Error{Errc::System, std::string("netlink: ") + nl_geterror(error)};
  }
  std::vector<LinkFacts> out;
  for (const std::string& interface : interfaces) {
    auto facts = read_link(netlink.get(), interface);
    if (!facts) return facts.error();
    out.push_back(*std::move(facts));
  }
  return out;
}

}  // namespace hasync::clusterip
