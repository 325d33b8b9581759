#include "base/ids.h"

#include <array>
#include <charconv>
#include <cinttypes>
#include <cstdio>

namespace hasync {

std::string to_string(EspSpi spi) {
  std::array<char, 12> text{};
  std::snprintf(text.data(), text.size(), "%08" PRIx32, spi.value);
  return text.data();
}

std::string to_string(SaId id) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%016" PRIx64 "_i %016" PRIx64 "_r", id.initiator_spi,
                id.responder_spi);
  return text.data();
}

std::optional<SaId> parse_sa_id(std::string_view text) {
  constexpr std::size_t kDigits = 16;
  SaId out;
  const auto read = [&](std::size_t from, std::uint64_t& to) {
    const char* begin = text.data() + from;
    return std::from_chars(begin, begin + kDigits, to, 16).ptr == begin + kDigits;
  };
  const std::size_t length = to_string(out).size();
  const bool whole = text.size() == length && read(0, out.initiator_spi) &&
                     read(kDigits + 3, out.responder_spi) && to_string(out) == text;
  return whole ? std::optional{out} : std::nullopt;
}

}  // namespace hasync
