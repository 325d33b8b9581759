#include "vped/adapters/child_keys.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <algorithm>
#include <array>
#include <memory>

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

  const std::unique_ptr<EVP_KDF, decltype(&EVP_KDF_free)> hkdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr),
                                                               EVP_KDF_free);
  const std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)> context(EVP_KDF_CTX_new(hkdf.get()),
                                                                          EVP_KDF_CTX_free);
  std::string digest = "SHA256";
  const std::array<OSSL_PARAM, 4> parameters = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, const_cast<std::uint8_t*>(keymat.data()),
                                        keymat.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.data(), info.size()),
      OSSL_PARAM_construct_end()};
  Secret out(keymat.size() - kSalt);
  if (!context || EVP_KDF_derive(context.get(), out.fill().data(), out.fill().size(), parameters.data()) != 1)
    return Error{Errc::System, "OpenSSL fails at HKDF"};
  return out;
}

}  // namespace hasync::vped
