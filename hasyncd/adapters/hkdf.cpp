#include "hasyncd/adapters/hkdf.h"

#include <openssl/rand.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "base/adapters/hkdf.h"

namespace hasync::hasyncd {
namespace {

// Neither can be caused by input: the library is unusable, and nothing may leave without it.
[[noreturn]] void broken(const char* what) {
  std::fprintf(stderr, "hasyncd: OpenSSL failed: %s\n", what);
  std::abort();
}

}  // namespace

Secret derive_key(const Secret& from, BytesView salt, std::string_view info) {
  Result<Secret> out = hkdf_sha256(from.reveal(), salt, info, kKeyBytes);
  if (!out) broken("HKDF");
  return *std::move(out);
}

void fill_random(std::span<std::uint8_t> bytes) {
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) broken("RAND_bytes");
}

}  // namespace hasync::hasyncd
