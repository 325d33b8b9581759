#include "vpe/adapters/openssl_gcm.h"

#include <openssl/evp.h>

#include <cstdio>
#include <cstdlib>

#include "vpe/packet.h"

namespace hasync::vpe {

namespace {

using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

// None of these calls depends on what a peer sent. A packet must not leave unsealed, so there is no going on.
void must(int status) {
  if (status == 1) return;
  std::fputs("vpe: OpenSSL fails at AES-GCM\n", stderr);
  std::abort();
}

class OpenSslGcm : public Gcm {
 public:
  OpenSslGcm(const EVP_CIPHER* cipher, BytesView key) : sealing_(made()), opening_(made()) {
    must(EVP_EncryptInit_ex(sealing_.get(), cipher, nullptr, key.data(), nullptr));
    must(EVP_DecryptInit_ex(opening_.get(), cipher, nullptr, key.data(), nullptr));
  }

  void seal(const std::uint8_t* iv, BytesView additional, std::span<const Piece> pieces,
            std::uint8_t* icv) override {
    EVP_CIPHER_CTX* const context = sealing_.get();
    int size = 0;
    must(EVP_EncryptInit_ex(context, nullptr, nullptr, nullptr, iv));
    if (!additional.empty())
      must(
          EVP_EncryptUpdate(context, nullptr, &size, additional.data(), static_cast<int>(additional.size())));
    for (const Piece& piece : pieces)
      must(EVP_EncryptUpdate(context, piece.to, &size, piece.from, static_cast<int>(piece.size)));
    must(EVP_EncryptFinal_ex(context, nullptr, &size));
    must(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kIcvSize, icv));
  }

  bool open(const std::uint8_t* iv, BytesView additional, std::span<const Piece> pieces,
            const std::uint8_t* icv) override {
    EVP_CIPHER_CTX* const context = opening_.get();
    int size = 0;
    must(EVP_DecryptInit_ex(context, nullptr, nullptr, nullptr, iv));
    must(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kIcvSize, const_cast<std::uint8_t*>(icv)));
    if (!additional.empty())
      must(
          EVP_DecryptUpdate(context, nullptr, &size, additional.data(), static_cast<int>(additional.size())));
    for (const Piece& piece : pieces)
      must(EVP_DecryptUpdate(context, piece.to, &size, piece.from, static_cast<int>(piece.size)));
    return EVP_DecryptFinal_ex(context, nullptr, &size) == 1;
  }

 private:
  static Context made() { return {EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free}; }
  Context sealing_;
  Context opening_;
};

class OpenSslProvider : public GcmProvider {
 public:
  const char* name() const override { return "openssl"; }
  Result<std::unique_ptr<Gcm>> make(BytesView key) override {
    const EVP_CIPHER* cipher = key.size() == 16   ? EVP_aes_128_gcm()
                               : key.size() == 32 ? EVP_aes_256_gcm()
                                                  : nullptr;
    if (cipher == nullptr) return invalid("key: 16 or 32 bytes");
    return std::unique_ptr<Gcm>(std::make_unique<OpenSslGcm>(cipher, key));
  }
};

}  // namespace

std::unique_ptr<GcmProvider> make_openssl_provider() {
  return std::make_unique<OpenSslProvider>();
}

}  // namespace hasync::vpe
