// What the gateway does with inner packets. First byte even: 10 bytes of what the kernel says about a packet,
// then the packet, which is cut. Odd: packets, each behind its length in 16 bits, which are joined. Nothing
// may be read or written beyond them (the sanitizers see that), no byte of payload may vanish, and lengths
// must agree.
#include <cstdlib>
#include <cstring>

#include "vped/merge.h"
#include "vped/split.h"
#include "vped/too_big.h"

using namespace hasync;
using namespace hasync::vped;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void all_is_there(const Split& split, BytesView packet) {
  std::size_t payload = 0;
  for (std::size_t i = 0; i < split.count(); ++i) {
    Bytes segment(split.header());
    if (split.header() != 0) split.write_header(i, segment.data());
    const BytesView part = split.payload(i);
    segment.insert(segment.end(), part.begin(), part.end());
    require(segment.size() <= split.largest() && look_at(segment)->size == segment.size());
    payload += part.size();
  }
  require(payload + split.header() == packet.size());
}

void cut(BytesView input) {
  Offload offload;
  if (input.size() < sizeof(offload)) return;
  std::memcpy(&offload, input.data(), sizeof(offload));
  Bytes packet(input.begin() + sizeof(offload), input.end());
  const auto inner = look_at(packet);
  if (!inner || inner->size != packet.size()) return;
  if (const auto answer = too_big(packet, *inner, 1400)) require(look_at(*answer)->size == answer->size());
  if (const auto split = Split::create(offload, packet, *inner)) all_is_there(*split, packet);
  if (const auto split = Split::fragments(packet, *inner, 576)) all_is_there(*split, packet);
}

void join(BytesView input) {
  std::vector<Bytes> packets;
  while (input.size() >= 2) {
    const std::size_t size = std::min<std::size_t>(input[0] * 256U + input[1], input.size() - 2);
    packets.emplace_back(input.begin() + 2, input.begin() + 2 + static_cast<std::ptrdiff_t>(size));
    input = input.subspan(2 + size);
  }
  Merge merge;
  std::size_t given = 0;
  for (Bytes& packet : packets) {
    const auto inner = look_at(packet);
    if (!inner) continue;
    given += inner->size;
    merge.add(std::span(packet).first(inner->size), *inner);
  }
  std::size_t got = 0;
  for (const Joined& joined : merge.finish()) {
    std::size_t size = 0;
    for (const BytesView piece : joined.pieces) size += piece.size();
    const BytesView first = joined.pieces[0];
    require(size <= 65535 &&
            (first[0] >> 4 == 4 ? first[2] * 256U + first[3] : 40U + first[4] * 256U + first[5]) == size);
    got += size + (joined.pieces.size() - 1) * joined.offload.header;
  }
  require(got == given);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const BytesView input(data + 1, size - 1);
  data[0] % 2 == 0 ? cut(input) : join(input);
  return 0;
}
