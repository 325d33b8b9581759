// Holds eBPF programs at the clsact hooks of interfaces: part of BpfGate. It survives this process on
// purpose, and replaces what an earlier run of ours left behind, atomically. Only Ethernet framing is known
// to the programs, so interfaces of other link types are refused.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace hasync::clusterip {

class TcAttachment {
 public:
  // Attaches to every interface or says which one failed; what was attached until then stays (and stays
  // closed).
  static Result<TcAttachment> attach(const std::vector<std::string>& interfaces, int ingress_program,
                                     int egress_program);

  // NotFound: the first hook that no longer holds our program. Two netlink requests per interface.
  Status check() const;
  void detach();

  // Readable when any filter, qdisc or link of this namespace changed: then drain() and check().
  int watch_fd() const { return watch_fd_; }
  void drain() const;

  TcAttachment(TcAttachment&& other) noexcept;
  TcAttachment& operator=(TcAttachment&& other) noexcept;
  TcAttachment(const TcAttachment&) = delete;
  TcAttachment& operator=(const TcAttachment&) = delete;
  ~TcAttachment();

 private:
  struct Hook {
    std::string interface;
    int ifindex;
    bool egress;
    std::uint32_t program_id;
  };
  TcAttachment() = default;
  static Result<Hook> attach_one(const std::string& interface, bool egress, int program);

  std::vector<Hook> hooks_;
  int watch_fd_ = -1;
};

}  // namespace hasync::clusterip
