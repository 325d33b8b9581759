#include "hasyncd/wire/windows_codec.h"

#include <string>

#include "base/bytes.h"
#include "ring.pb.h"

namespace hasync::hasyncd {

namespace {

namespace wire = proto::ring;

Problem take_tops(const wire::Windows& from, std::vector<InboundTop>* to) {
  const auto count = static_cast<std::size_t>(from.spis_size());
  if (count > kMaxTops) return too_many("windows.spis", count, kMaxTops);
  if (from.tops_size() != from.spis_size()) return at("windows.tops", "are not as many as windows.spis");
  Address address;
  if (Problem p = count == 0 ? Problem{} : take_address(from.address(), "windows.address", &address))
    return p;
  for (int i = 0; i < from.spis_size(); ++i) {
    if (from.spis(i) == 0) return at("windows.spis", "one is 0");  // RFC 4303, section 2.1
    to->push_back({{address, EspSpi{from.spis(i)}}, from.tops(i)});
  }
  return {};
}

}  // namespace

void put(const Windows& from, wire::Windows* to) {
  to->set_round(from.round);
  to->set_since(from.since);
  to->set_part(from.part);
  to->set_parts(from.parts);
  to->set_let_in(from.let_in);
  to->set_open(from.open);
  to->set_last(from.last);
  if (!from.tops.empty()) to->set_address(std::string(text_of(from.tops.front().key.address.wire())));
  for (const InboundTop& top : from.tops) {
    to->add_spis(top.key.spi.value);
    to->add_tops(top.top);
  }
}

Problem take(const wire::Windows& from, Windows* to) {
  if (from.since() >= from.round()) return at("windows.since", "is not below windows.round");
  if (from.parts() == 0 || from.parts() > kMaxWindowParts) return at("windows.parts", "is not 1 to 65536");
  if (from.part() >= from.parts()) return at("windows.part", "is not below windows.parts");
  *to = {from.round(), from.since(), from.part(), from.parts(), from.let_in(), from.open(), from.last(), {}};
  return take_tops(from, &to->tops);
}

}  // namespace hasync::hasyncd
