// The cluster's keys, made by `haipsec keygen` and given to every node. From each secret come two keys (HKDF,
// RFC 5869): the auth key seals what all members exchange, the context key seals contexts. A witness's file
// holds auth keys only, so no witness can ever open a context. Text, one "name value" per line:
//   hasyncd-key 1
//   id 9f3c21aa
//   secret <64 hex digits>     on gateways
//   auth <64 hex digits>       on witnesses, in place of it
// and the last two once more for each newer key, while keys change (docs/decisions/0007-key-rotation.md).
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "base/result.h"
#include "base/secret.h"

namespace hasync::hasyncd {

struct Key {
  std::uint32_t id = 0;  // not secret, never 0
  Secret auth;
  Secret context;  // empty on a witness
};

struct KeySet {
  std::vector<Key> keys;  // oldest first; at least one
  const Key& newest() const { return keys.back(); }
  std::vector<std::uint32_t> ids() const;  // oldest first
};

inline constexpr std::size_t kMaxKeys = 4;  // in one file

std::string key_id_text(std::uint32_t id);  // "9f3c21aa"

// The content of a key file, whose name stands in errors. Unsupported: another version. Invalid: what is
// wrong.
Result<KeySet> parse_keys(const std::string& text, const std::filesystem::path& name);

// Whether load_keys would take it, by its owner and mode alone.
Status look_at_key_file(const std::filesystem::path& file);

// Refuses files that others than this user can read or write (Errc::Denied, with file and mode).
Result<KeySet> load_keys(const std::filesystem::path& file);

// Makes new keys; existing files are never overwritten (Errc::Conflict). Returns the key id.
Result<std::uint32_t> generate_keys(const std::filesystem::path& gateway_file,
                                    const std::optional<std::filesystem::path>& witness_file);

// Adds a new key to a gateway's file, and writes a new file with all keys for witnesses. Returns its id.
Result<std::uint32_t> add_key(const std::filesystem::path& gateway_file,
                              const std::optional<std::filesystem::path>& witness_file);

// Leaves only the newest key in the file. Returns its id.
Result<std::uint32_t> retire_keys(const std::filesystem::path& file);

}  // namespace hasync::hasyncd
