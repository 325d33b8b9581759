#include "vped/checksum.h"

#include "vpe/big_endian.h"

namespace hasync::vped {

std::uint64_t add_up(BytesView bytes, std::uint64_t sum) {
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 32; left -= 32, at += 32) {  // 32-bit words: 2^32 of them do not overflow
    std::uint32_t words[8];
    std::memcpy(words, at, sizeof(words));
    for (const std::uint32_t word : words) sum += word;
  }
  for (; left >= 4; left -= 4, at += 4) {
    std::uint32_t word = 0;
    std::memcpy(&word, at, sizeof(word));
    sum += word;
  }
  if (left > 0) {
    std::uint32_t word = 0;
    std::memcpy(&word, at, left);
    sum += word;
  }
  return sum;
}

std::uint64_t pseudo_header(const std::uint8_t* ip, bool v4, std::uint8_t protocol, std::size_t size) {
  const std::uint64_t addresses = v4 ? add_up({ip + 12, 8}) : add_up({ip + 8, 32});
  return addresses + vpe::big_endian(static_cast<std::uint32_t>(size)) +
         vpe::big_endian(std::uint32_t{protocol});
}

}  // namespace hasync::vped
