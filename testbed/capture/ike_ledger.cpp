#include "testbed/capture/ike_ledger.h"

#include <algorithm>

namespace hasync::testbed {

namespace {

constexpr std::uint8_t kSaInit = 34;
constexpr std::uint8_t kAuth = 35;
constexpr std::uint8_t kCreateChildSa = 36;
constexpr std::uint8_t kInformational = 37;

// Messages that may change under one ID: IKE_SA_INIT is sent again with a cookie or another key exchange (RFC
// 7296, sections 2.6 and 1.2), and ID 0 is what a synchronisation of IDs uses, each time anew (RFC 6311,
// section 5.1).
bool may_change(const IkeMessage& message) {
  return message.exchange == kSaInit || (message.exchange == kInformational && message.message_id == 0);
}

}  // namespace

std::string exchange_name(std::uint8_t type) {
  switch (type) {
    case kSaInit:
      return "IKE_SA_INIT";
    case kAuth:
      return "IKE_AUTH";
    case kCreateChildSa:
      return "CREATE_CHILD_SA";
    case kInformational:
      return "INFORMATIONAL";
    default:
      return "exchange type " + std::to_string(type);
  }
}

void IkeLedger::book(const IkeMessage& message, std::int64_t at_ns) {
  const bool asked_by_initiator = message.from_initiator != message.response;
  const Key key{message.initiator_spi, message.exchange, message.message_id, asked_by_initiator};
  const auto [found, is_new] = index_.try_emplace(key, exchanges_.size());
  if (is_new) {
    const Address& asker = message.response ? message.path.destination : message.path.source;
    exchanges_.push_back({message.initiator_spi,
                          message.responder_spi,
                          message.exchange,
                          message.message_id,
                          asked_by_initiator,
                          at_ns,
                          asker,
                          0,
                          0,
                          {}});
  }
  Exchange& exchange = exchanges_[found->second];
  if (exchange.responder_spi == 0) exchange.responder_spi = message.responder_spi;
  ++(message.response ? exchange.responses : exchange.requests);
  exchange.senders.insert(message.path.sender);

  auto& contents = contents_[{found->second, message.response, message.fragment}];
  if (!contents.insert(message.digest).second)
    ++retransmissions_;
  else if (contents.size() > 1 && !may_change(message))
    ++conflicts_;
  if (message.exchange == kAuth) book_authentication(message);
}

void IkeLedger::book_authentication(const IkeMessage& message) {
  if (!authenticated_.insert(message.initiator_spi).second) return;
  const auto& ends = message.path;
  const bool known = peers_.contains(ends.source) || peers_.contains(ends.destination);
  if (known || options_.already_up) ++reauthentications_;
  if (known) return;
  const Address& asker = message.response ? ends.destination : ends.source;
  const Address& asked = message.response ? ends.source : ends.destination;
  peers_.insert(options_.gateways.contains(asker) ? asked : asker);
}

std::uint64_t IkeLedger::count(std::uint8_t type) const {
  return static_cast<std::uint64_t>(std::count_if(exchanges_.begin(), exchanges_.end(),
                                                  [type](const Exchange& one) { return one.type == type; }));
}

std::uint64_t IkeLedger::rekeys() const {
  return count(kCreateChildSa);
}

std::uint64_t IkeLedger::unanswered() const {
  return static_cast<std::uint64_t>(
      std::count_if(exchanges_.begin(), exchanges_.end(),
                    [](const Exchange& one) { return one.requests > 0 && one.responses == 0; }));
}

}  // namespace hasync::testbed
