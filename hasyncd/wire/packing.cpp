#include "hasyncd/wire/packing.h"

#include <string>

namespace hasync::hasyncd {
namespace {

constexpr std::size_t kLength = 4;

std::size_t length_at(BytesView bytes) {
  std::size_t out = 0;
  for (const std::uint8_t byte : bytes.first(kLength)) out = out << 8U | byte;
  return out;
}

}  // namespace

void pack(Bytes& onto, BytesView message) {
  for (std::size_t i = kLength; i-- > 0;) {
    onto.push_back(static_cast<std::uint8_t>(message.size() >> (8 * i)));
  }
  onto.insert(onto.end(), message.begin(), message.end());
}

Result<std::vector<BytesView>> unpack(BytesView packed) {
  std::vector<BytesView> out;
  do {
    if (packed.size() <= kLength)
      return invalid("multicast: " + std::to_string(packed.size()) + " bytes where a message should begin");
    const std::size_t length = length_at(packed);
    packed = packed.subspan(kLength);
    if (length == 0 || length > packed.size())
      return invalid("multicast: a message of " + std::to_string(length) + " bytes, where " +
                     std::to_string(packed.size()) + " are left");
    out.push_back(packed.first(length));
    packed = packed.subspan(length);
  } while (!packed.empty());
  return out;
}

}  // namespace hasync::hasyncd
