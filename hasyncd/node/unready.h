// Why a gateway could not take over now, in words for the operator. Pure.
#pragma once

#include <string>

#include "hasyncd/node/node.h"

namespace hasync::hasyncd {

// As this node sees that one. Empty: it could, or it is a witness.
std::string why_unready(const Node& node, NodeId other);

}  // namespace hasync::hasyncd
