// What this process may still do once it runs. See capabilities(7).
#pragma once

#include "base/result.h"

namespace hasync::hasyncd {

// Keeps what is needed from now on and gives up the rest for good: no other capability, none to be gained
// from a program that it would start.
//   CAP_NET_ADMIN  addresses, sequence numbers of SAs, tc
//   CAP_NET_RAW    gratuitous ARP
//   CAP_BPF        ranges of numbers and counters in the programs' maps
//   CAP_IPC_LOCK   memory that is taken later stays out of swap as well
// A witness keeps the last one only.
Status drop_privileges(bool gateway);

// No page of this process is ever written to swap, nor waited for from there.
Status stay_in_memory();

}  // namespace hasync::hasyncd
