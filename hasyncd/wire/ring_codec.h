// RingMessage and Heartbeat to and from Protobuf (proto/ring.proto), the only place that knows it.
// decode() refuses what breaks a rule (Errc::Invalid) or is newer (Errc::Unsupported) and names the field;
// unknown further fields are skipped. It never looks at seals: the bytes are those that a Sealer gave back.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "hasyncd/wire/messages.h"

namespace hasync::hasyncd {

Bytes encode(const RingMessage& message);
Bytes encode(const Heartbeat& heartbeat);

Result<RingMessage> decode_ring_message(BytesView bytes);
Result<Heartbeat> decode_heartbeat(BytesView bytes);

}  // namespace hasync::hasyncd
