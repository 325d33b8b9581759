// VPE's part of a snapshot: what ring_codec.cpp leaves to it.
#pragma once

#include <vector>

#include "hasyncd/wire/field_error.h"
#include "hasyncd/wire/messages.h"

namespace hasync::proto::ring {
class Snapshot;
class SnapshotSa;
}  // namespace hasync::proto::ring

namespace hasync::hasyncd {

void put(const std::vector<VpeTaken>& from, proto::ring::SnapshotSa* to);
void put(const std::vector<VpeNode>& from, proto::ring::Snapshot* to);

Problem take(const proto::ring::SnapshotSa& from, std::vector<VpeTaken>* to);
Problem take(const proto::ring::Snapshot& from, std::vector<VpeNode>* to);

}  // namespace hasync::hasyncd
