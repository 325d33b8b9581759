#include "hasyncd/adapters/hkdf.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>

namespace hasync::hasyncd {
namespace {

// Neither can be caused by input: the library is unusable, and nothing may leave without it.
[[noreturn]] void broken(const char* what) {
  std::fprintf(stderr, "hasyncd: OpenSSL failed: %s\n", what);
  std::abort();
}

OSSL_PARAM octets(const char* name, BytesView bytes) {
  return OSSL_PARAM_construct_octet_string(name, const_cast<std::uint8_t*>(bytes.data()), bytes.size());
}

}  // namespace

Secret derive_key(const Secret& from, BytesView salt, std::string_view info) {
  const std::unique_ptr<EVP_KDF, decltype(&EVP_KDF_free)> kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr),
                                                              EVP_KDF_free);
  if (!kdf) broken("EVP_KDF_fetch");
  const std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)> context(EVP_KDF_CTX_new(kdf.get()),
                                                                          EVP_KDF_CTX_free);
  std::array<char, 7> digest{"SHA256"};
  const OSSL_PARAM digest_param = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0);
  const OSSL_PARAM key = octets(OSSL_KDF_PARAM_KEY, from.reveal());
  const OSSL_PARAM purpose = octets(OSSL_KDF_PARAM_INFO, view_of(info));
  const OSSL_PARAM end = OSSL_PARAM_construct_end();
  const OSSL_PARAM with_salt[] = {digest_param, key, purpose, octets(OSSL_KDF_PARAM_SALT, salt), end};
  const OSSL_PARAM without[] = {digest_param, key, purpose, end};
  std::array<std::uint8_t, kKeyBytes> out{};
  if (!context ||
      EVP_KDF_derive(context.get(), out.data(), out.size(), salt.empty() ? without : with_salt) != 1) {
    broken("EVP_KDF_derive");
  }
  Secret secret{out};
  OPENSSL_cleanse(out.data(), out.size());
  return secret;
}

void fill_random(std::span<std::uint8_t> bytes) {
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) broken("RAND_bytes");
}

}  // namespace hasync::hasyncd
