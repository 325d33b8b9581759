// Which segment a peer belongs to: a hash of its outer address, the same as the eBPF programs compute.
// It knows nothing of owners; a peer whose address changes may change its segment.
#pragma once

#include "base/address.h"
#include "base/ids.h"

namespace hasync::clusterip {

SegmentId segment_of(const Address& peer);

}  // namespace hasync::clusterip
