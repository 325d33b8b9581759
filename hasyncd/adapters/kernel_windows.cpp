#include "hasyncd/adapters/kernel_windows.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "ctx-transfer/xfrm/xfrm_ae.h"

namespace hasync::hasyncd {

namespace {

constexpr int kDatagramsAtOnce = 8;  // of a dump, some 70 SAs each
constexpr int kPace = 20;            // a dump for what waits takes at most so small a part of the time

Address address_of(const hasync_xfrm_sa_t& sa) {
  const auto address = Address::from_wire({sa.destination, sa.family == AF_INET ? std::size_t{4} : 16});
  return address ? *address : Address{};
}

std::uint16_t family_of(const Address& address) {
  return address.is_v4() ? AF_INET : AF_INET6;
}

}  // namespace

Result<std::unique_ptr<KernelWindows>> KernelWindows::open(std::vector<Address> addresses) {
  const int dump_socket = hasync_xfrm_open();
  const int socket = dump_socket < 0 ? dump_socket : hasync_xfrm_open();
  if (socket < 0) {
    if (dump_socket >= 0) ::close(dump_socket);
    return Error{Errc::System, std::string("netlink XFRM socket: ") + std::strerror(-socket)};
  }
  return std::unique_ptr<KernelWindows>(new KernelWindows(std::move(addresses), dump_socket, socket));
}

KernelWindows::~KernelWindows() {
  ::close(dump_socket_);
  ::close(socket_);
}

// A dump that failed half-way may still be under way in its socket.
Status KernelWindows::failed(const char* what, int error) {
  dump_.reset();
  const int fresh = hasync_xfrm_open();
  if (fresh >= 0) ::close(std::exchange(dump_socket_, fresh));
  return Error{Errc::System, std::string(what) + ": " + std::strerror(-error)};
}

Status KernelWindows::begin() {
  if (dump_ || addresses_.empty()) return Done{};
  dump_.emplace();
  return ask();
}

Status KernelWindows::ask() {
  const Address& address = addresses_[dump_->address];
  std::array<std::uint8_t, 16> wire{};
  std::ranges::copy(address.wire(), wire.begin());
  const int error = hasync_xfrm_dump_begin(dump_socket_, wire.data(), family_of(address), &dump_->sequence);
  return error == 0 ? Status(Done{}) : failed("reading of windows", error);
}

Result<bool> KernelWindows::step() {
  const auto note = [](void* found, const hasync_xfrm_sa_t* sa, const hasync_xfrm_ae_t* ae) {
    const std::uint32_t window = ae->esn_format ? ae->window : 0;
    static_cast<Dump*>(found)->found.insert_or_assign(InboundKey{address_of(*sa), EspSpi{sa->spi}},
                                                      Form{ae->inbound, window, sa->mark, sa->mask});
  };
  for (int i = 0; dump_ && i < kDatagramsAtOnce; ++i) {
    const int more = hasync_xfrm_dump_next(dump_socket_, dump_->sequence, note, &*dump_);
    if (more < 0) return failed("reading of windows", more).error();
    if (more > 0) continue;
    if (++dump_->address == addresses_.size()) {
      forms_ = std::move(dump_->found);
      dump_.reset();
      return true;
    }
    if (const Status asked = ask(); !asked) return asked.error();
  }
  return false;
}

Result<bool> KernelWindows::finish() {
  while (dump_) {
    const auto complete = step();
    if (!complete || *complete) return complete;
  }
  return true;
}

std::vector<InboundTop> KernelWindows::tops() const {
  std::vector<InboundTop> out;
  out.reserve(forms_.size());
  for (const auto& [key, form] : forms_) out.push_back({key, form.top});
  return out;
}

Status KernelWindows::raise(const std::vector<InboundTop>& tops, Instant now) {
  for (const InboundTop& top : tops) {
    if (top.top == 0) continue;
    std::uint64_t& wanted = waiting_[top.key];
    wanted = std::max(wanted, top.top);
  }
  return raise_waiting(now, false);
}

Status KernelWindows::raise_waiting(Instant now, bool at_once) {
  if (const Status set = set_known(); !set || waiting_.empty()) return set;
  if (!at_once && now - looked_ < kPace * look_took_) return Done{};
  const auto looked = look(now);
  if (!looked) return looked.error();
  const Status set = set_known();
  waiting_.clear();  // charon does not have these yet: they are part of its PUT
  return set;
}

Result<bool> KernelWindows::look(Instant now) {
  looked_ = now;
  const auto start = std::chrono::steady_clock::now();
  if (const Status begun = begin(); !begun) return begun.error();
  const auto complete = finish();
  look_took_ = std::chrono::steady_clock::now() - start;
  return complete;
}

// With few system calls, one acknowledgement for a hundred. What is at its top already, or above, stays.
Status KernelWindows::set_known() {
  std::vector<hasync_xfrm_number_t> items;
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    const auto form = forms_.find(it->first);
    if (form == forms_.end()) {
      ++it;
      continue;
    }
    if (form->second.top < it->second) {
      form->second.top = it->second;
      hasync_xfrm_number_t item{};
      std::ranges::copy(it->first.address.wire(), item.sa.destination);
      item.sa.family = family_of(it->first.address);
      item.sa.protocol = IPPROTO_ESP;
      item.sa.spi = it->first.spi.value;
      item.sa.mark = form->second.mark;
      item.sa.mask = form->second.mask;
      item.number = it->second;
      item.esn_window = form->second.esn_window;
      item.inbound = true;
      items.push_back(item);
    }
    it = waiting_.erase(it);
  }
  std::vector<int> results(items.size());
  Status out = Done{};
  if (hasync_xfrm_set_numbers(socket_, items.data(), items.size(), results.data()) == 0) return out;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (results[i] == 0) continue;
    const InboundKey key{address_of(items[i].sa), EspSpi{items[i].sa.spi}};
    forms_.erase(key);  // gone, or its form is another by now
    if (results[i] == -ESRCH || results[i] == -ENOPROTOOPT || !out) continue;  // gone: nothing to protect
    out = Error{Errc::System, "window of " + to_string(OutboundKey{key.address, key.spi}) + ": " +
                                  std::strerror(-results[i])};
  }
  return out;
}

void KernelWindows::reinstalled(const std::vector<InboundTop>& tops) {
  for (const InboundTop& top : tops) {
    if (const auto form = forms_.find(top.key); form != forms_.end()) form->second.top = 0;
  }
}

}  // namespace hasync::hasyncd
