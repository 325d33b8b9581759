// One worker's queue of the TUN device: packets with an Offload before each.
#pragma once

#include <optional>
#include <span>

#include "base/adapters/fd.h"
#include "vped/merge.h"
#include "vped/offload.h"

namespace hasync::vped {

class Inside {
 public:
  explicit Inside(Fd queue) : queue_(std::move(queue)) {}
  int fd() const { return queue_.get(); }

  // Nothing: there is none now.
  std::optional<std::span<std::uint8_t>> read(Offload& offload, std::span<std::uint8_t> buffer) const;
  bool write(const Joined& joined) const;
  bool write(BytesView packet) const;

 private:
  Fd queue_;
};

}  // namespace hasync::vped
