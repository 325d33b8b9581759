// The keys of hasyncd, and random bytes. Where OpenSSL fails nothing may leave: it ends the process.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/secret.h"

namespace hasync::hasyncd {

inline constexpr std::size_t kKeyBytes = 32;

// 32 bytes by HKDF-SHA256 (base/adapters/hkdf.h). `info` names what the key is for; an empty `salt` is the
// RFC's default.
Secret derive_key(const Secret& from, BytesView salt, std::string_view info);

void fill_random(std::span<std::uint8_t> bytes);

}  // namespace hasync::hasyncd
