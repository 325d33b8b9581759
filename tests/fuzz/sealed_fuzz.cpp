// Sealed bytes: what opens was sealed under a key that is here, is as long as it must be, and opens no more
// when anything of it is another.
#include <cstdint>
#include <cstdlib>

#include "hasyncd/adapters/seal.h"
#include "tests/support/fixed_keys.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hasync;
  using hasyncd::Sealer;
  static Sealer sealer(test::fixed_keys(), &hasyncd::Key::auth);
  const auto ring = hasyncd::additional_data(hasyncd::Purpose::Ring, NodeId{1});
  const auto opened = sealer.open({data, size}, ring);
  if (!opened) {
    if (opened.error().what.empty()) std::abort();
    return 0;
  }
  if (opened->size() + Sealer::kOverhead != size || hasyncd::key_id_of({data, size}) == 0) std::abort();
  if (sealer.open({data, size}, hasyncd::additional_data(hasyncd::Purpose::Heartbeat, NodeId{1})))
    std::abort();
  Bytes changed(data, data + size);
  for (std::uint8_t& byte : changed) {
    byte ^= 1;
    if (sealer.open(changed, ring)) std::abort();
    byte ^= 1;
  }
  return 0;
}
