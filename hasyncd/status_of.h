// The daemon's state as the operator sees it.
#pragma once

#include "hasyncd/daemon.h"
#include "hasyncd/status.h"

namespace hasync::hasyncd {

NodeStatus node_status(const Daemon& daemon);
MetricsStatus metrics_status(const Daemon& daemon, NodeStatus node);
CheckStatus check_status(const Daemon& daemon);  // after the inquirer has asked
KeyStatus key_status(const Daemon& daemon);

}  // namespace hasync::hasyncd
