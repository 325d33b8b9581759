#include "vpe/adapters/ipsec_mb_gcm.h"

#include <intel-ipsec-mb.h>

#include <array>
#include <cstring>

#include "base/secret.h"
#include "vpe/packet.h"

namespace hasync::vpe {

namespace {

// The library's functions for one length of key, on this processor.
struct Calls {
  aes_gcm_pre_t expand;
  aes_gcm_enc_dec_t seal, open;
  aes_gcm_init_t begin;
  aes_gcm_enc_dec_update_t seal_some, open_some;
  aes_gcm_enc_dec_finalize_t end_seal, end_open;
};

Calls calls_for_128(const IMB_MGR& m) {
  return {m.gcm128_pre,        m.gcm128_enc,        m.gcm128_dec,          m.gcm128_init,
          m.gcm128_enc_update, m.gcm128_dec_update, m.gcm128_enc_finalize, m.gcm128_dec_finalize};
}

Calls calls_for_256(const IMB_MGR& m) {
  return {m.gcm256_pre,        m.gcm256_enc,        m.gcm256_dec,          m.gcm256_init,
          m.gcm256_enc_update, m.gcm256_dec_update, m.gcm256_enc_finalize, m.gcm256_dec_finalize};
}

// In a time that does not depend on where they differ.
bool same(const std::uint8_t* a, const std::uint8_t* b) {
  std::array<std::uint64_t, 2> left{};
  std::array<std::uint64_t, 2> right{};
  static_assert(sizeof(left) == kIcvSize);
  std::memcpy(left.data(), a, kIcvSize);
  std::memcpy(right.data(), b, kIcvSize);
  return ((left[0] ^ right[0]) | (left[1] ^ right[1])) == 0;
}

class IpsecMbGcm : public Gcm {
 public:
  IpsecMbGcm(const Calls& calls, BytesView key) : calls_(calls), pages_(sizeof(gcm_key_data)) {
    calls_.expand(key.data(), expanded());
  }

  void seal(const std::uint8_t* iv, BytesView additional, std::span<const Piece> pieces,
            std::uint8_t* icv) override {
    if (pieces.size() == 1) {
      const Piece& all = pieces[0];
      calls_.seal(expanded(), &context_, all.to, all.from, all.size, iv, additional.data(), additional.size(),
                  icv, kIcvSize);
      return;
    }
    calls_.begin(expanded(), &context_, iv, additional.data(), additional.size());
    for (const Piece& piece : pieces)
      if (piece.size != 0) calls_.seal_some(expanded(), &context_, piece.to, piece.from, piece.size);
    calls_.end_seal(expanded(), &context_, icv, kIcvSize);
  }

  bool open(const std::uint8_t* iv, BytesView additional, std::span<const Piece> pieces,
            const std::uint8_t* icv) override {
    std::array<std::uint8_t, kIcvSize> computed;
    if (pieces.size() == 1) {
      const Piece& all = pieces[0];
      calls_.open(expanded(), &context_, all.to, all.from, all.size, iv, additional.data(), additional.size(),
                  computed.data(), kIcvSize);
    } else {
      calls_.begin(expanded(), &context_, iv, additional.data(), additional.size());
      for (const Piece& piece : pieces)
        if (piece.size != 0) calls_.open_some(expanded(), &context_, piece.to, piece.from, piece.size);
      calls_.end_open(expanded(), &context_, computed.data(), kIcvSize);
    }
    return same(computed.data(), icv);
  }

 private:
  gcm_key_data* expanded() {
    return reinterpret_cast<gcm_key_data*>(pages_.fill().data());
  }  // pages are aligned

  Calls calls_;
  Secret pages_;
  gcm_context_data context_{};
};

using Manager = std::unique_ptr<IMB_MGR, decltype(&free_mb_mgr)>;

class IpsecMbProvider : public GcmProvider {
 public:
  explicit IpsecMbProvider(Manager manager) : manager_(std::move(manager)) {}
  const char* name() const override { return "ipsec-mb"; }
  Result<std::unique_ptr<Gcm>> make(BytesView key) override {
    if (key.size() == 16)
      return std::unique_ptr<Gcm>(std::make_unique<IpsecMbGcm>(calls_for_128(*manager_), key));
    if (key.size() == 32)
      return std::unique_ptr<Gcm>(std::make_unique<IpsecMbGcm>(calls_for_256(*manager_), key));
    return invalid("key: 16 or 32 bytes");
  }

 private:
  Manager manager_;
};

}  // namespace

Result<std::unique_ptr<GcmProvider>> make_ipsec_mb_provider() {
  Manager manager(alloc_mb_mgr(0), &free_mb_mgr);
  if (manager == nullptr) return Error{Errc::System, "intel-ipsec-mb: no memory"};
  IMB_ARCH arch = IMB_ARCH_NONE;
  init_mb_mgr_auto(manager.get(), &arch);
  if (arch == IMB_ARCH_NONE || arch == IMB_ARCH_NOAESNI)
    return Error{Errc::Unsupported, "intel-ipsec-mb: this processor has no AES instructions"};
  return std::unique_ptr<GcmProvider>(std::make_unique<IpsecMbProvider>(std::move(manager)));
}

}  // namespace hasync::vpe
