// The books of the IKE messages on the wire: exchanges by type, counted once however often a message was
// repeated; repeats told from messages that reuse an ID with other content; authentications after a peer's
// first. RFC 7296, sections 1.2 to 1.4 (exchanges), 2.1 to 2.3 (retransmission, message IDs); RFC 6311 (ID 0
// for syncing).
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "testbed/capture/frame.h"

namespace hasync::testbed {

struct Exchange {
  std::uint64_t initiator_spi = 0;  // of the IKE_SA
  std::uint64_t responder_spi = 0;
  std::uint8_t type = 0;
  std::uint32_t message_id = 0;
  bool asked_by_initiator = false;  // of the IKE_SA
  std::int64_t at_ns = 0;           // of the first message seen
  Address asker;
  std::uint64_t requests = 0;  // messages, repeats included
  std::uint64_t responses = 0;
  std::set<Mac> senders;
};

std::string exchange_name(std::uint8_t type);

struct IkeLedgerOptions {
  std::set<Address> gateways;  // never taken for peers
  bool already_up = false;     // the capture began after the authentication: each one in it is a further one
};

class IkeLedger {
 public:
  explicit IkeLedger(IkeLedgerOptions options = {}) : options_(std::move(options)) {}

  void book(const IkeMessage& message, std::int64_t at_ns);

  std::uint64_t count(std::uint8_t type) const;
  std::uint64_t rekeys() const;  // CREATE_CHILD_SA exchanges
  std::uint64_t reauthentications() const {
    return reauthentications_;
  }  // IKE_SAs authenticated after a peer's first
  std::uint64_t retransmissions() const { return retransmissions_; }
  std::uint64_t conflicts() const { return conflicts_; }  // an ID used again with other content
  std::uint64_t unanswered() const;
  const std::vector<Exchange>& exchanges() const { return exchanges_; }

 private:
  struct Key {
    std::uint64_t initiator_spi;
    std::uint8_t type;
    std::uint32_t message_id;
    bool asked_by_initiator;
    auto operator<=>(const Key&) const = default;
  };
  struct Part {
    std::size_t exchange;
    bool response;
    std::uint16_t fragment;
    auto operator<=>(const Part&) const = default;
  };

  void book_authentication(const IkeMessage& message);

  IkeLedgerOptions options_;
  std::vector<Exchange> exchanges_;
  std::map<Key, std::size_t> index_;
  std::map<Part, std::set<std::uint64_t>> contents_;
  std::set<std::uint64_t> authenticated_;  // initiator SPIs
  std::set<Address> peers_;
  std::uint64_t reauthentications_ = 0;
  std::uint64_t retransmissions_ = 0;
  std::uint64_t conflicts_ = 0;
};

}  // namespace hasync::testbed
