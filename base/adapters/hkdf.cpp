#include "base/adapters/hkdf.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <array>
#include <memory>

namespace hasync {
namespace {

OSSL_PARAM octets(const char* name, BytesView bytes) {
  return OSSL_PARAM_construct_octet_string(name, const_cast<std::uint8_t*>(bytes.data()), bytes.size());
}

}  // namespace

Result<Secret> hkdf_sha256(BytesView from, BytesView salt, std::string_view info, std::size_t size) {
  const std::unique_ptr<EVP_KDF, decltype(&EVP_KDF_free)> kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr),
                                                              EVP_KDF_free);
  const std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)> context(EVP_KDF_CTX_new(kdf.get()),
                                                                          EVP_KDF_CTX_free);
  std::array<char, 7> digest{"SHA256"};
  const OSSL_PARAM digest_param = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0);
  const OSSL_PARAM key = octets(OSSL_KDF_PARAM_KEY, from);
  const OSSL_PARAM purpose = octets(OSSL_KDF_PARAM_INFO, view_of(info));
  const OSSL_PARAM end = OSSL_PARAM_construct_end();
  const OSSL_PARAM with_salt[] = {digest_param, key, purpose, octets(OSSL_KDF_PARAM_SALT, salt), end};
  const OSSL_PARAM without[] = {digest_param, key, purpose, end};
  Secret out(size);
  const std::span<std::uint8_t> to = out.fill();
  if (!context ||
      EVP_KDF_derive(context.get(), to.data(), to.size(), salt.empty() ? without : with_salt) != 1)
    return Error{Errc::System, "OpenSSL fails at HKDF"};
  return out;
}

}  // namespace hasync
