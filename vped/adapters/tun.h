// The device towards the inside: a TUN interface with a queue for each worker, which hands out and takes TCP
// in pieces of up to 64 KiB.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/adapters/fd.h"
#include "base/result.h"

namespace hasync::vped {

class Tun {
 public:
  // Conflict: there is an interface of that name which is no such device, or it is in use.
  static Result<Tun> create(const std::string& name, std::uint32_t queues);

  std::vector<Fd> take_queues() { return std::move(queues_); }
  Status set_mtu(std::uint32_t mtu) const;
  Status set_up() const;

 private:
  explicit Tun(std::string name) : name_(std::move(name)) {}
  std::string name_;
  std::vector<Fd> queues_;
};

}  // namespace hasync::vped
