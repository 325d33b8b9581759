// HKDF-SHA256 (RFC 5869), by OpenSSL.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace hasync {

// `size` bytes. `info` names what the key is for; an empty `salt` is the RFC's default. System: OpenSSL
// fails, which no input can cause.
Result<Secret> hkdf_sha256(BytesView from, BytesView salt, std::string_view info, std::size_t size);

}  // namespace hasync
