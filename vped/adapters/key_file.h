// The keys of one tunnel, where no IKE makes them. Text:
//   vpe-keys 1
//   out <32 or 64 hex digits>    what this gateway seals with (AES-128-GCM, AES-256-GCM)
//   in <as many>                 what it opens with
// The peer's file has the same keys the other way round. Or the key of a group, the same file at all of them:
//   vpe-group-key 1
//   key <32 or 64 hex digits>
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"
#include "base/secret.h"

namespace hasync::vped {

struct Keys {
  Secret out, in;
};

// Denied: others than this user can use the file. Invalid: not of this form, or both keys are the same, under
// which both ends would use the same IVs.
Result<Keys> load_keys(const std::filesystem::path& file);
// Both are the group's: what keeps IVs apart is that each sender has a SenderID of its own.
Result<Keys> load_group_key(const std::filesystem::path& file);

// The same of their text; `file` is named in errors.
Result<Keys> parse_keys(const std::string& text, const std::filesystem::path& file);
Result<Keys> parse_group_key(const std::string& text, const std::filesystem::path& file);

// New random keys of 256 bits, into two files that are not there yet: this gateway's and its peer's.
Status generate_keys(const std::filesystem::path& own, const std::filesystem::path& peer);
Status generate_group_key(const std::filesystem::path& file);

// Names a key without giving it away: 16 hex digits.
std::string fingerprint(const Secret& key);

}  // namespace hasync::vped
