#include "hasyncd/data_plane.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "ctx-transfer/xfrm/xfrm_ae.h"

namespace hasync::hasyncd {

namespace {

std::vector<clusterip::Vip> vips_of(const Config& config) {
  std::vector<clusterip::Vip> out;
  for (const Config::Vip& vip : config.vips) {
    out.push_back({vip.interface, vip.address, vip.prefix});
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<DataPlane>> DataPlane::create(const Config& config) {
  const auto vips = vips_of(config);
  clusterip::BpfGateConfig gate_config{.interfaces = config.interfaces};
  for (const auto& vip : vips) gate_config.vips.push_back(vip.address);
  auto gate = clusterip::BpfGate::create(gate_config);
  if (!gate) return gate.error();
  auto announcer = clusterip::NetlinkAnnouncer::create();
  if (!announcer) return announcer.error();
  std::vector<std::string> carrying;
  for (const auto& vip : vips) carrying.push_back(vip.interface);
  auto links = clusterip::LinkWatch::open(std::move(carrying));
  if (!links) return links.error();
  const int xfrm = hasync_xfrm_open();
  if (xfrm < 0) return Error{Errc::System, std::string("netlink XFRM socket: ") + std::strerror(-xfrm)};
  std::unique_ptr<DataPlane> plane(
      new DataPlane(*std::move(gate), *std::move(announcer), vips, *std::move(links), xfrm));
  // An earlier run may have died with the addresses on.
  const Status dropped = plane->drop_addresses();
  if (!dropped) return dropped.error();
  return plane;
}

DataPlane::~DataPlane() {
  close_fence();
  (void)drop_addresses();
  ::close(xfrm_);
}

void DataPlane::set_deadline(Instant until) {
  gate_->set_all_deadlines(clusterip::Deadline{until});
}

void DataPlane::close_fence() {
  gate_->close_all();
}

Status DataPlane::hold_addresses() {
  for (const auto& vip : vips_) {
    if (const Status added = announcer_->add(vip); !added) return added;
  }
  holding_ = true;
  return announce();
}

Status DataPlane::announce() {
  Status out = Done{};
  for (const auto& vip : vips_) {
    if (const Status told = announcer_->announce_once(vip); !told)
      out = told;  // the other interfaces still matter
  }
  return out;
}

Status DataPlane::drop_addresses() {
  holding_ = false;
  Status out = Done{};
  for (const auto& vip : vips_) {
    if (const Status gone = announcer_->withdraw(vip); !gone) out = gone;
  }
  return out;
}

Status DataPlane::set_gate(const std::vector<clusterip::SaLimits>& limits) {
  return gate_->set_sas(limits);
}

Status DataPlane::forget_gate(const std::vector<OutboundKey>& keys) {
  return gate_->remove_sas(keys);
}

Status DataPlane::set_numbers(const std::vector<OutboundNumber>& numbers) {
  std::vector<hasync_xfrm_outbound_t> items;
  for (const OutboundNumber& number : numbers) {
    hasync_xfrm_outbound_t& item = items.emplace_back();
    std::memset(&item, 0, sizeof item);
    const auto wire = number.key.address.wire();
    std::ranges::copy(wire, item.sa.destination);
    item.sa.family = number.key.address.is_v4() ? AF_INET : AF_INET6;
    item.sa.protocol = IPPROTO_ESP;
    item.sa.spi = number.key.spi.value;
    item.number = number.used;
    item.esn_window = number.esn ? 1 : 0;  // charon gives outbound SAs with ESN a window of one
  }
  std::size_t failed = 0;
  const int error = items.empty() ? 0 : hasync_xfrm_set_outbound(xfrm_, items.data(), items.size(), &failed);
  // Not installed yet, or a kernel that has no ESP at all (charon's kernel-libipsec): set when it is PUT.
  if (error == 0 || error == -ESRCH || error == -ENOPROTOOPT) return Done{};
  return Error{Errc::System,
               "outbound number of " + to_string(numbers[failed].key) + ": " + std::strerror(-error)};
}

std::vector<OutboundNumber> DataPlane::used() const {
  std::vector<OutboundNumber> out;
  for (const clusterip::SaTop& top : gate_->tops()) out.push_back({top.key, top.next - 1, false});
  return out;
}

Status DataPlane::check_attached() const {
  gate_->drain_watch();
  return gate_->check_attached();
}

}  // namespace hasync::hasyncd
