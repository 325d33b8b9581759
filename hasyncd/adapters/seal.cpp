#include "hasyncd/adapters/seal.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>

#include "hasyncd/adapters/hkdf.h"
#include "hasyncd/adapters/key_file.h"

namespace hasync::hasyncd {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kSaltAt = 5;
constexpr std::size_t kCountAt = 21;
constexpr std::size_t kTextAt = 29;
constexpr std::size_t kTagBytes = 16;
constexpr std::size_t kPeerKeys = 64;
static_assert(kTextAt + kTagBytes == Sealer::kOverhead);

constexpr std::string_view kFileMagic = "hasyncd-context 1 ";

// Sealing cannot fail on any input within the message bounds; if it does, nothing may leave.
[[noreturn]] void broken(const char* what) {
  std::fprintf(stderr, "hasyncd: OpenSSL failed: %s\n", what);
  std::abort();
}

template <std::size_t N>
void put_big_endian(std::uint64_t value, std::uint8_t* to) {
  for (std::size_t i = 0; i < N; ++i) to[i] = static_cast<std::uint8_t>(value >> (8 * (N - 1 - i)));
}

// The 96-bit nonce: four zero bytes and the count.
std::array<std::uint8_t, 12> nonce_of(const std::uint8_t* count) {
  std::array<std::uint8_t, 12> nonce{};
  std::memcpy(nonce.data() + 4, count, 8);
  return nonce;
}

}  // namespace

std::array<std::uint8_t, 5> additional_data(Purpose purpose, NodeId from) {
  std::array<std::uint8_t, 5> out{static_cast<std::uint8_t>(purpose)};
  put_big_endian<4>(from.value, out.data() + 1);
  return out;
}

std::uint32_t key_id_of(BytesView sealed) {
  if (sealed.size() < Sealer::kOverhead || sealed[0] != kVersion) return 0;
  return static_cast<std::uint32_t>(sealed[1]) << 24U | static_cast<std::uint32_t>(sealed[2]) << 16U |
         static_cast<std::uint32_t>(sealed[3]) << 8U | sealed[4];
}

namespace {

using Salt = std::array<std::uint8_t, 16>;

// A derived key inside an OpenSSL context, ready for one direction. The context wipes it.
struct Derived {
  Derived(const Secret& root, const Salt& drawn, bool encrypts)
      : salt(drawn), context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free) {
    const Secret key = derive_key(root, salt, "hasyncd seal 1");
    const auto init = encrypts ? EVP_EncryptInit_ex : EVP_DecryptInit_ex;
    if (!context || init(context.get(), EVP_aes_256_gcm(), nullptr, key.reveal().data(), nullptr) != 1) {
      broken("EVP init");
    }
  }
  Salt salt;
  std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context;
};

Salt random_salt() {
  Salt drawn{};
  fill_random(drawn);
  return drawn;
}

}  // namespace

class Sealer::OneKey {
 public:
  OneKey(std::uint32_t id, const Secret& root)
      : id_(id), root_(root.reveal()), own_(root_, random_salt(), true) {}

  Bytes seal(BytesView plaintext, BytesView additional);
  // `to` has the size of the text.
  Status open(BytesView sealed, BytesView additional, std::span<std::uint8_t> to);

 private:
  std::shared_ptr<Derived> peer_key(const Salt& salt) const;
  void remember(const std::shared_ptr<Derived>& key);

  std::uint32_t id_;
  Secret root_;
  Derived own_;
  std::uint64_t count_ = 0;
  std::deque<std::shared_ptr<Derived>>
      peers_;  // most recently used first; only those that have opened something
};

Bytes Sealer::OneKey::seal(BytesView plaintext, BytesView additional) {
  Bytes out(kOverhead + plaintext.size());
  out[0] = kVersion;
  put_big_endian<4>(id_, &out[1]);
  std::copy(own_.salt.begin(), own_.salt.end(), &out[kSaltAt]);
  put_big_endian<8>(count_++, &out[kCountAt]);

  EVP_CIPHER_CTX* c = own_.context.get();
  const auto nonce = nonce_of(&out[kCountAt]);
  std::uint8_t* text = out.data() + kTextAt;
  int length = 0;
  if (EVP_EncryptInit_ex(c, nullptr, nullptr, nullptr, nonce.data()) != 1 ||
      EVP_EncryptUpdate(c, nullptr, &length, out.data(), kTextAt) != 1 ||  // the head is authenticated too
      EVP_EncryptUpdate(c, nullptr, &length, additional.data(), static_cast<int>(additional.size())) != 1 ||
      EVP_EncryptUpdate(c, text, &length, plaintext.data(), static_cast<int>(plaintext.size())) != 1 ||
      EVP_EncryptFinal_ex(c, text + plaintext.size(), &length) != 1 ||
      EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, kTagBytes, text + plaintext.size()) != 1) {
    broken("sealing");
  }
  return out;
}

Status Sealer::OneKey::open(BytesView sealed, BytesView additional, std::span<std::uint8_t> to) {
  Salt salt{};
  std::copy_n(&sealed[kSaltAt], salt.size(), salt.begin());
  const std::shared_ptr<Derived> key = peer_key(salt);
  EVP_CIPHER_CTX* c = key->context.get();
  const auto nonce = nonce_of(&sealed[kCountAt]);
  Bytes tag(sealed.end() - kTagBytes, sealed.end());
  int length = 0;
  std::uint8_t last = 0;
  if (EVP_DecryptInit_ex(c, nullptr, nullptr, nullptr, nonce.data()) != 1 ||
      EVP_DecryptUpdate(c, nullptr, &length, sealed.data(), kTextAt) != 1 ||
      EVP_DecryptUpdate(c, nullptr, &length, additional.data(), static_cast<int>(additional.size())) != 1 ||
      EVP_DecryptUpdate(c, to.data(), &length, &sealed[kTextAt], static_cast<int>(to.size())) != 1 ||
      EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) != 1 ||
      EVP_DecryptFinal_ex(c, &last, &length) != 1) {
    return Error{Errc::Denied,
                 "does not open with key " + key_id_text(id_) + ": it was changed or belongs elsewhere"};
  }
  remember(key);
  return Done{};
}

std::shared_ptr<Derived> Sealer::OneKey::peer_key(const Salt& salt) const {
  const auto known =
      std::find_if(peers_.begin(), peers_.end(), [&](const auto& key) { return key->salt == salt; });
  return known != peers_.end() ? *known : std::make_shared<Derived>(root_, salt, false);
}

// Only what has opened is kept, so that strangers cannot push the members' keys out.
void Sealer::OneKey::remember(const std::shared_ptr<Derived>& key) {
  if (!peers_.empty() && peers_.front() == key) return;
  const auto known = std::find(peers_.begin(), peers_.end(), key);
  if (known != peers_.end()) peers_.erase(known);
  if (peers_.size() == kPeerKeys) peers_.pop_back();
  peers_.push_front(key);
}

Sealer::Sealer(const KeySet& keys, Secret Key::*part) : sealing_(keys.newest().id) {
  for (const Key& key : keys.keys) keys_.emplace(key.id, std::make_unique<OneKey>(key.id, key.*part));
}

Sealer::Sealer(Sealer&&) noexcept = default;
Sealer& Sealer::operator=(Sealer&&) noexcept = default;
Sealer::~Sealer() = default;

void Sealer::seal_with(std::uint32_t key_id) {
  if (keys_.contains(key_id)) sealing_ = key_id;
}

Bytes Sealer::seal(BytesView plaintext, BytesView additional) {
  return keys_.at(sealing_)->seal(plaintext, additional);
}

Result<Sealer::OneKey*> Sealer::key_of(BytesView sealed) {
  if (sealed.size() < kOverhead)
    return invalid("sealed bytes: " + std::to_string(sealed.size()) + " are too few");
  if (sealed.size() > (1U << 30U)) return invalid("sealed bytes: too many");
  if (sealed[0] != kVersion) {
    return Error{Errc::Unsupported,
                 "sealed bytes: version " + std::to_string(sealed[0]) + " is not known here"};
  }
  const auto key = keys_.find(key_id_of(sealed));
  if (key != keys_.end()) return key->second.get();
  std::string here;
  for (const auto& [id, unused] : keys_) here += (here.empty() ? "" : ", ") + key_id_text(id);
  return Error{Errc::Denied,
               "sealed with key " + key_id_text(key_id_of(sealed)) + "; the key file here has " + here};
}

Result<Bytes> Sealer::open(BytesView sealed, BytesView additional) {
  const auto key = key_of(sealed);
  if (!key) return key.error();
  Bytes out(sealed.size() - kOverhead);
  if (const Status opened = (*key)->open(sealed, additional, out); !opened) return opened.error();
  return out;
}

Result<Secret> Sealer::open_secret(BytesView sealed, BytesView additional) {
  const auto key = key_of(sealed);
  if (!key) return key.error();
  Secret out(sealed.size() - kOverhead);
  if (const Status opened = (*key)->open(sealed, additional, out.fill()); !opened) return opened.error();
  return out;
}

namespace {

Bytes with_head(const std::string& head, BytesView content) {
  Bytes out(head.begin(), head.end());
  out.insert(out.end(), content.begin(), content.end());
  return out;
}

}  // namespace

Bytes seal_file(Sealer& sealer, BytesView content) {
  return with_head(std::string(kFileMagic) + "sealed with key " + key_id_text(sealer.sealing_key()) + "\n",
                   sealer.seal(content, additional_data(Purpose::File, kNobody)));
}

Bytes plain_file(BytesView content) {
  return with_head(std::string(kFileMagic) + "PLAIN: THIS FILE HOLDS KEYS THAT ANYBODY CAN READ\n", content);
}

Result<OpenedFile> open_file(Sealer* sealer, BytesView file) {
  const std::string_view text = text_of(file);
  const std::size_t end = text.substr(0, 128).find('\n');
  if (text.rfind(kFileMagic, 0) != 0 || end == std::string_view::npos) {
    return invalid("not a context file: it does not start with \"hasyncd-context 1\"");
  }
  const BytesView content = file.subspan(end + 1);
  const std::string_view kind = text.substr(kFileMagic.size(), end - kFileMagic.size());
  if (kind.rfind("PLAIN", 0) == 0) return OpenedFile{Secret(content), true};
  if (sealer == nullptr)
    return Error{Errc::Denied, "the file is " + std::string(kind) + "; no key was given"};
  Result<Secret> opened = sealer->open_secret(content, additional_data(Purpose::File, kNobody));
  if (!opened) return opened.error();
  return OpenedFile{*std::move(opened), false};
}

}  // namespace hasync::hasyncd
