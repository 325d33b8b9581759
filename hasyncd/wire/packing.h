// Packing: several sealed messages in one multicast, in order. Each is preceded by its length, a big-endian
// number of four bytes. Nothing here is authenticated: each message is, by its seal.
#pragma once

#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace hasync::hasyncd {

void pack(Bytes& onto, BytesView message);

// Views into `packed`. Malformed: a length that goes beyond the end, an empty message, or none at all.
Result<std::vector<BytesView>> unpack(BytesView packed);

}  // namespace hasync::hasyncd
