// Asides to and from Protobuf: Ask and About of proto/ring.proto. As ring_codec.h, which has what moves the
// log.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "hasyncd/wire/messages.h"

namespace hasync::hasyncd {

Bytes encode(const Aside& aside);

Result<Aside> decode_aside(BytesView bytes);

}  // namespace hasync::hasyncd
