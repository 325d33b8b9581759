// Two keys that are always the same, so that what is sealed with them stays openable.
#pragma once

#include "hasyncd/adapters/key_file.h"

namespace hasync::test {

inline hasyncd::KeySet fixed_keys() {
  hasyncd::KeySet out;
  for (const std::uint32_t id : {1U, 2U}) {
    const Bytes bytes(32, static_cast<std::uint8_t>(id));
    out.keys.push_back({id, Secret{bytes}, Secret{bytes}});
  }
  return out;
}

}  // namespace hasync::test
