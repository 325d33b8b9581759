// KeyChoice: with which of its keys a node seals, and whether the older ones may go
// (docs/decisions/0007-key-rotation.md). Knows ids only.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "base/ids.h"

namespace hasync::hasyncd {

class KeyChoice {
 public:
  struct Told {
    std::vector<std::uint32_t> keys;  // what the member opens with
    std::uint32_t seals_with = 0;
    bool operator==(const Told&) const = default;
  };

  explicit KeyChoice(std::vector<std::uint32_t> own) : own_(std::move(own)) {}  // oldest first, not empty

  void own(std::vector<std::uint32_t> keys) { own_ = std::move(keys); }
  void heard(NodeId from, std::vector<std::uint32_t> keys, std::uint32_t sealed_with);

  std::uint32_t sealing() const;
  const std::vector<std::uint32_t>& own() const { return own_; }
  const std::map<NodeId, Told>& told() const { return told_; }  // since the start
  // Whether this member can do without all but this node's newest key.
  bool has_moved_on(NodeId member) const;

 private:
  std::vector<std::uint32_t> own_;
  std::map<NodeId, Told> told_;
};

}  // namespace hasync::hasyncd
