// Authenticated encryption of everything that leaves this process: AES-256-GCM by OpenSSL (RFC 5116,
// section 5.2). Nonces. A Sealer draws 128 random bits for each key when it is made and derives its own key
// from them (HKDF), under which it counts from zero. One (key, nonce) pair could only repeat if two Sealers
// drew the same 128 bits; the count cannot wrap and is not stored, so neither a restart nor a restored disk
// can rewind it. A forked or cloned process must not seal on. Format, big endian: version 1 (1 byte), key id
// (4), drawn bits (16), count (8), ciphertext, tag (16).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/secret.h"
#include "hasyncd/adapters/key_file.h"

namespace hasync::hasyncd {

// What sealed bytes are for; they open for no other purpose and no other sender.
enum class Purpose : std::uint8_t { Ring = 1, Heartbeat = 2, Context = 3, File = 4 };

// Additional data that binds both. `from`: who sealed it, where the receiver knows that otherwise; else
// kNobody.
std::array<std::uint8_t, 5> additional_data(Purpose purpose, NodeId from);

// Seals with one key, opens with each of a key set.
class Sealer {
 public:
  static constexpr std::size_t kOverhead = 45;  // bytes

  // `part`: &Key::auth or &Key::context. Seals with the newest key until told otherwise.
  Sealer(const KeySet& keys, Secret Key::*part);
  Sealer(Sealer&&) noexcept;
  Sealer& operator=(Sealer&&) noexcept;
  ~Sealer();

  void seal_with(std::uint32_t key_id);  // one of the set
  std::uint32_t sealing_key() const { return sealing_; }
  Bytes seal(BytesView plaintext, BytesView additional);
  // Denied: another key, or not what was sealed; the text names the key ids. Invalid: not sealed bytes at
  // all.
  Result<Bytes> open(BytesView sealed, BytesView additional);
  Result<Secret> open_secret(BytesView sealed, BytesView additional);  // the same, for what holds keys

 private:
  class OneKey;
  Result<OneKey*> key_of(BytesView sealed);

  std::map<std::uint32_t, std::unique_ptr<OneKey>> keys_;
  std::uint32_t sealing_;
};

// The key that bytes from seal() name, whether or not it is known here; 0 for others.
std::uint32_t key_id_of(BytesView sealed);

// A file that holds a context: one line of text that says how it is kept, then the bytes.
Bytes seal_file(Sealer& sealer, BytesView content);
Bytes plain_file(BytesView content);
struct OpenedFile {
  Secret content;
  bool was_plain = false;
};
// `sealer` may be null: then only plain files open.
Result<OpenedFile> open_file(Sealer* sealer, BytesView file);

}  // namespace hasync::hasyncd
