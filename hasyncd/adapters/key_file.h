// The cluster's keys, made by `haipsec keygen` and given to every node. One secret, two keys from it (HKDF,
// RFC 5869): the auth key seals what all members exchange, the context key seals contexts. A witness's file
// holds the auth key only, so no witness can ever open a context. Text, one "name value" per line:
//   hasyncd-key 1
//   id 9f3c21aa
//   secret <64 hex digits>     on gateways
//   auth <64 hex digits>       on witnesses, in place of it
#pragma once

#include <filesystem>
#include <optional>

#include "base/result.h"
#include "base/secret.h"

namespace hasync::hasyncd {

struct KeySet {
  std::uint32_t id = 0;  // not secret; tells generations of keys apart
  Secret auth;
  Secret context;  // empty on a witness
};

std::string key_id_text(std::uint32_t id);  // "9f3c21aa"

// Refuses files that others than this user can read or write (Errc::Denied, with file and mode).
Result<KeySet> load_keys(const std::filesystem::path& file);

// Makes new keys; existing files are never overwritten (Errc::Conflict). Returns the key id.
Result<std::uint32_t> generate_keys(const std::filesystem::path& gateway_file,
                                    const std::optional<std::filesystem::path>& witness_file);

}  // namespace hasync::hasyncd
