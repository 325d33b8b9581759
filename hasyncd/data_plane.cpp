#include "hasyncd/data_plane.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "clusterip/bypass.h"
#include "ctx-transfer/xfrm/xfrm_ae.h"
#include "ctx-transfer/xfrm/xfrm_sa.h"
#include "hasyncd/adapters/clock.h"

namespace hasync::hasyncd {

namespace {

constexpr std::size_t kAskedAtOnce = 256;
// Numbers that an SA may use up between the moment when its counter is read and the one when it is set.
constexpr std::uint64_t kMeanwhile = 64;
constexpr Duration kReadEvery = std::chrono::milliseconds{100};  // inbound windows
constexpr int kReadPace = 20;                                    // at most so small a part of the time

hasync_xfrm_sa_t kernel_sa(const OutboundKey& key) {
  hasync_xfrm_sa_t sa{};
  std::ranges::copy(key.address.wire(), sa.destination);
  sa.family = key.address.is_v4() ? AF_INET : AF_INET6;
  sa.protocol = IPPROTO_ESP;
  sa.spi = key.spi.value;
  return sa;
}

}  // namespace

Result<std::unique_ptr<DataPlane>> DataPlane::create(const Config& config) {
  clusterip::BpfGateConfig gate_config{.interfaces = config.interfaces};
  for (const auto& vip : config.vips) gate_config.vips.push_back(vip.address);
  auto gate = clusterip::BpfGate::create(gate_config);
  if (!gate) return gate.error();
  auto announcer = clusterip::NetlinkAnnouncer::create();
  if (!announcer) return announcer.error();
  std::vector<std::string> carrying;
  for (const auto& vip : config.vips) carrying.push_back(vip.interface);
  auto links = clusterip::LinkWatch::open(std::move(carrying));
  if (!links) return links.error();
  std::vector<Address> addresses;
  for (const auto& vip : config.vips) addresses.push_back(vip.address);
  auto windows = KernelWindows::open(std::move(addresses));
  if (!windows) return windows.error();
  const int xfrm = hasync_xfrm_open();
  if (xfrm < 0) return Error{Errc::System, std::string("netlink XFRM socket: ") + std::strerror(-xfrm)};
  std::unique_ptr<DataPlane> plane(new DataPlane(*std::move(gate), *std::move(announcer), config.vips,
                                                 *std::move(links), *std::move(windows), xfrm));
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
    if (Status added = announcer_->add(vip); !added) return added;
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

Status DataPlane::set_gate(std::vector<clusterip::SaLimits> limits) {
  for (clusterip::SaLimits& sa : limits) {
    sas_.insert(sa.key);
    if (sa.ceiling > sa.floor && goes_past(sa.key)) sa.ceiling = sa.floor;
  }
  return gate_->set_sas(limits);
}

// A standby opens its gates long before it owns, perhaps before the SA is there: then set_numbers() comes
// behind.
bool DataPlane::goes_past(const OutboundKey& key) {
  if (goes_past_.contains(key)) return true;
  if (sound_.contains(key)) return false;
  hasync_xfrm_traits_t traits{};
  const hasync_xfrm_sa_t sa = kernel_sa(key);
  const int error = hasync_xfrm_get_traits(xfrm_, &sa, &traits);
  if (error == -ESRCH || error == -ENOPROTOOPT) return false;  // no SA, no packets
  const std::string why =
      error != 0 ? std::string("the kernel does not tell of it: ") + std::strerror(-error)
                 : clusterip::bypass_of({traits.may_wrap, traits.packet_offload, traits.per_cpu});
  if (why.empty()) {
    sound_.insert(key);
    return false;
  }
  goes_past_.emplace(key, why);
  untold_.push_back(to_string(key) + ": " + why);
  ++bypasses_;
  gate_->close_sas({&key, 1});
  return true;
}

void DataPlane::ask_again(const OutboundKey& key) {
  sound_.erase(key);
  goes_past_.erase(key);
}

DataPlane::Bypassed DataPlane::bypassed() const {
  if (goes_past_.empty()) return {};
  const auto& [key, why] = *goes_past_.begin();
  return {goes_past_.size(), to_string(key) + ": " + why};
}

Status DataPlane::forget_gate(const std::vector<OutboundKey>& keys) {
  for (const OutboundKey& key : keys) {
    sas_.erase(key);
    ask_again(key);
  }
  return gate_->remove_sas(keys);
}

// 0 or an error of the kernel.
int DataPlane::ask(const OutboundKey& key, std::uint64_t& number) const {
  hasync_xfrm_ae_t counters{};
  const hasync_xfrm_sa_t sa = kernel_sa(key);
  const int error = hasync_xfrm_get(xfrm_, &sa, &counters);
  number = counters.outbound;
  return error;
}

std::optional<std::uint64_t> DataPlane::counted(const OutboundKey& key) const {
  std::uint64_t number = 0;
  return ask(key, number) == 0 ? std::optional{number} : std::nullopt;
}

void DataPlane::keep_ahead(std::vector<OutboundNumber>& numbers) {
  for (OutboundNumber& number : numbers) {
    ask_again(number.key);
    const auto now = counted(number.key);
    if (now && *now > number.used) number.used = *now + kMeanwhile;
  }
}

// NEWAE is absolute, and a packet may wait between encryption and the gate (for its neighbour's address, in
// an asynchronous cipher): set back, the counter would give out the number of one that is still to leave.
Status DataPlane::set_numbers(const std::vector<OutboundNumber>& numbers) {
  std::vector<hasync_xfrm_number_t> items;
  std::vector<OutboundKey> keys;
  for (const OutboundNumber& number : numbers) {
    std::uint64_t now = 0;
    const int error = ask(number.key, now);
    // Not installed yet, or a kernel that has no ESP at all (charon's kernel-libipsec): set when it is PUT.
    if (error == -ESRCH || error == -ENOPROTOOPT) continue;
    (void)goes_past(number.key);
    if (error == 0 && now + kMeanwhile > number.used) continue;  // there, or as good as there
    // charon gives outbound SAs with ESN a window of one.
    items.push_back({kernel_sa(number.key), number.used, number.esn ? 1U : 0U, false});
    keys.push_back(number.key);
  }
  std::vector<int> results(items.size());
  if (hasync_xfrm_set_numbers(xfrm_, items.data(), items.size(), results.data()) == 0) return Done{};
  const auto failed = [&](bool vanished, Errc code, std::uint64_t& total) -> Status {
    const auto is = [vanished](int error) { return error != 0 && (error == -ESRCH) == vanished; };
    const auto count = static_cast<std::uint64_t>(std::ranges::count_if(results, is));
    if (count == 0) return Done{};
    total += count;
    const auto first = std::ranges::find_if(results, is) - results.begin();
    const auto at = static_cast<std::size_t>(first);
    return Error{code, "outbound number of " + to_string(keys[at]) +
                           (count > 1 ? " and " + std::to_string(count - 1) + " more" : "") + ": " +
                           std::strerror(-results[at])};
  };
  const Status gone = failed(true, Errc::NotFound, failures_.vanished);
  const Status refused = failed(false, Errc::System, failures_.refused);
  return refused ? gone : refused;
}

std::vector<OutboundNumber> DataPlane::left() const {
  std::vector<OutboundNumber> out;
  for (const clusterip::SaTop& top : gate_->tops()) out.push_back({top.key, top.next - 1, false});
  return out;
}

std::uint64_t DataPlane::left(const OutboundKey& key) const {
  return gate_->top(key).value_or(1) - 1;
}

std::vector<OutboundUse> DataPlane::used() {
  std::vector<OutboundUse> out;
  for (const clusterip::SaTop& top : gate_->moved()) {
    out.push_back({top.key, top.next - 1, top.next > top.floor ? top.next - 1 : 0, std::nullopt});
  }
  ask_kernel(out, count());
  return out;
}

Result<clusterip::GateCounters> DataPlane::count() {
  const Instant before = now();
  auto counters = gate_->counters();
  if (counters) let_in_before_ = std::exchange(let_in_, {counters->esp_let_in, before, now()}).total;
  return counters;
}

// A packet is counted before it is decrypted. Another processor, or an asynchronous cipher, may have some in
// hand that no window shows yet: the count is an earlier one.
Result<std::optional<DataPlane::WindowReading>> DataPlane::poll_windows(Instant now, bool wanted) {
  const std::optional<WindowReading> none;
  if (!windows_->reading()) {
    const bool moved = let_in_.total != read_count_;
    if ((!moved && !wanted) || now - read_at_ < std::max(kReadEvery, kReadPace * read_took_)) return none;
    read_at_ = now;
    reading_from_ = let_in_before_;
    read_took_ = {};
    if (const Status begun = windows_->begin(); !begun) return begun.error();
  }
  const auto start = std::chrono::steady_clock::now();
  const auto complete = windows_->step();
  read_took_ += std::chrono::steady_clock::now() - start;
  if (!complete) return complete.error();
  if (!*complete) return none;
  read_count_ = reading_from_;
  return std::optional{WindowReading{windows_->tops(), read_count_}};
}

Result<DataPlane::WindowReading> DataPlane::read_windows() {
  if (const auto done = windows_->finish(); !done) return done.error();
  (void)count();
  if (const Status begun = windows_->begin(); !begun) return begun.error();
  if (const auto done = windows_->finish(); !done) return done.error();
  return WindowReading{windows_->tops(), let_in_.total};
}

// Only where packets were dropped can the kernel's counter have run on without the gate. Then all SAs are
// asked, some of them each time.
void DataPlane::ask_kernel(std::vector<OutboundUse>& out, const Result<clusterip::GateCounters>& counters) {
  if (!ask_next_) {
    const std::uint64_t before = dropped_;
    if (counters) dropped_ = counters->egress.dropped();
    if (counters && dropped_ == before) return;
    ask_next_ = OutboundKey{};
  }
  auto sa = sas_.lower_bound(*ask_next_);
  for (std::size_t asked = 0; asked < kAskedAtOnce && sa != sas_.end(); ++asked, ++sa) {
    const auto top = gate_->top(*sa);
    const auto number = counted(*sa);
    if (top && number) out.push_back({*sa, std::max(*top - 1, *number), 0, number});
  }
  ask_next_ = sa == sas_.end() ? std::nullopt : std::optional{*sa};
}

Status DataPlane::check_gate() const {
  gate_->drain_watch();
  return gate_->check();
}

}  // namespace hasync::hasyncd
