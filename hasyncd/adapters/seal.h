// Authenticated encryption of everything that leaves this process: AES-256-GCM by OpenSSL (RFC 5116,
// section 5.2). Nonces. A Sealer draws 128 random bits when it is made and derives its own key from them
// (HKDF), under which it counts from zero. One (key, nonce) pair could only repeat if two Sealers drew the
// same 128 bits; the count cannot wrap and is not stored, so neither a restart nor a restored disk can rewind
// it. A forked or cloned process must not seal on. Format, big endian: version 1 (1 byte), key id (4), drawn
// bits (16), count (8), ciphertext, tag (16).
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/secret.h"

namespace hasync::hasyncd {

// What sealed bytes are for; they open for no other purpose and no other sender.
enum class Purpose : std::uint8_t { Ring = 1, Heartbeat = 2, Context = 3, File = 4 };

// Additional data that binds both. `from`: who sealed it, where the receiver knows that otherwise; else
// kNobody.
std::array<std::uint8_t, 5> additional_data(Purpose purpose, NodeId from);

class Sealer {
 public:
  static constexpr std::size_t kOverhead = 45;  // bytes

  Sealer(std::uint32_t key_id, const Secret& key);
  Sealer(Sealer&&) noexcept;
  Sealer& operator=(Sealer&&) noexcept;
  ~Sealer();

  Bytes seal(BytesView plaintext, BytesView additional);
  // Denied: another key, or not what was sealed; the text names both key ids. Invalid: not sealed bytes at
  // all.
  Result<Bytes> open(BytesView sealed, BytesView additional);

 private:
  struct Key;
  using Salt = std::array<std::uint8_t, 16>;
  std::shared_ptr<Key> peer_key(const Salt& salt);
  void remember(const std::shared_ptr<Key>& key);

  std::uint32_t key_id_;
  Secret root_;
  std::unique_ptr<Key> own_;
  std::uint64_t count_ = 0;
  std::deque<std::shared_ptr<Key>> peers_;  // most recently used first; only keys that have opened something
};

// A file that holds a context: one line of text that says how it is kept, then the bytes.
Bytes seal_file(Sealer& sealer, std::uint32_t key_id, BytesView content);
Bytes plain_file(BytesView content);
struct OpenedFile {
  Bytes content;
  bool was_plain = false;
};
// `sealer` may be null: then only plain files open.
Result<OpenedFile> open_file(Sealer* sealer, BytesView file);

}  // namespace hasync::hasyncd
