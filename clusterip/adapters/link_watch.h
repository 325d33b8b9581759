// Tells whether links carry: cable in, other end up. Readable when any link of this namespace has changed;
// then ask down(). Decides nothing.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace hasync::clusterip {

class LinkWatch {
 public:
  static Result<LinkWatch> open(std::vector<std::string> interfaces);
  LinkWatch(LinkWatch&& other) noexcept;
  LinkWatch& operator=(LinkWatch&&) = delete;
  LinkWatch(const LinkWatch&) = delete;
  ~LinkWatch();

  int fd() const { return netlink_; }
  void drain() const;                     // forgets what made fd() readable
  std::vector<std::string> down() const;  // those of our interfaces that do not carry, or do not exist

 private:
  LinkWatch(std::vector<std::string> interfaces, int netlink, int query)
      : interfaces_(std::move(interfaces)), netlink_(netlink), query_(query) {}
  std::vector<std::string> interfaces_;
  int netlink_;
  int query_;
};

}  // namespace hasync::clusterip
