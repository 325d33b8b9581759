// KernelWindows: the replay windows of the kernel's inbound SAs towards some addresses, read and raised by
// NETLINK_XFRM.
//
// A reading is a dump, cheaper per SA than to ask for each; it is taken in steps, as ten thousand SAs cost
// longer than a heartbeat may wait. To raise a window one must know its form, which a dump tells: what is not
// known waits until the pace allows one. Decides nothing; never lowers.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/address.h"
#include "base/result.h"
#include "hasyncd/wire/messages.h"

namespace hasync::hasyncd {

class KernelWindows {
 public:
  using Instant = std::chrono::nanoseconds;

  static Result<std::unique_ptr<KernelWindows>> open(std::vector<Address> addresses);
  ~KernelWindows();
  KernelWindows(const KernelWindows&) = delete;
  KernelWindows& operator=(const KernelWindows&) = delete;

  // A reading in steps: some SAs at a time; true when it is complete, and then `tops` is what it has found.
  Status begin();
  bool reading() const { return dump_.has_value(); }
  Result<bool> step();
  Result<bool> finish();                 // all remaining steps
  std::vector<InboundTop> tops() const;  // of every SA, 0: nothing was accepted yet

  // All numbers up to the top count as seen from now on.
  Status raise(const std::vector<InboundTop>& tops, Instant now);
  // charon may have installed these anew: how far they were raised before says nothing.
  void reinstalled(const std::vector<InboundTop>& tops);
  // What has been waiting; `at_once`: whatever it costs.
  Status raise_waiting(Instant now, bool at_once);
  std::size_t waiting() const { return waiting_.size(); }

 private:
  struct Form {
    std::uint64_t top = 0;
    std::uint32_t esn_window = 0;  // 0: legacy
    std::uint32_t mark = 0;
    std::uint32_t mask = 0;
  };
  struct Dump {
    std::size_t address = 0;  // which of them
    std::uint32_t sequence = 0;
    std::map<InboundKey, Form> found;
  };
  KernelWindows(std::vector<Address> addresses, int dump_socket, int socket)
      : addresses_(std::move(addresses)), dump_socket_(dump_socket), socket_(socket) {}
  Status ask();
  Result<bool> look(Instant now);
  Status set_known();
  Status failed(const char* what, int error);

  std::vector<Address> addresses_;
  int dump_socket_;
  int socket_;
  std::optional<Dump> dump_;
  std::map<InboundKey, Form> forms_;  // as of the newest reading, and what was raised since
  std::map<InboundKey, std::uint64_t> waiting_;
  Instant looked_{};  // for the form of what waits
  Instant look_took_{};
};

}  // namespace hasync::hasyncd
