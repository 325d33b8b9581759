#include "vped/adapters/child_keys.h"

#include <algorithm>
#include <array>

#include "base/adapters/hkdf.h"
#include "vpe/big_endian.h"

namespace hasync::vped {
namespace {

constexpr std::size_t kSalt = 4;
constexpr std::string_view kLabel = "VPE 1 AES-GCM";

}  // namespace

Result<Secret> derive_vpe_key(BytesView keymat, EspSpi spi) {
  if (keymat.size() != 16 + kSalt && keymat.size() != 32 + kSalt)
    return invalid("not a key of AES-GCM with its salt");
  std::array<std::uint8_t, kLabel.size() + sizeof(std::uint32_t)> info{};
  std::ranges::copy(kLabel, info.begin());
  vpe::put_big_endian(info.data() + kLabel.size(), spi.value);
  return hkdf_sha256(keymat, {}, text_of(info), keymat.size() - kSalt);
}

}  // namespace hasync::vped
