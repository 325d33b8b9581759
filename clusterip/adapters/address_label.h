// Labels of the kernel's table of address preferences (RFC 6724, section 2.1; rtnetlink(7)).
#pragma once

#include "base/address.h"

struct nl_sock;

namespace hasync::clusterip {

// From now on no connection of this node's own begins from `address`, which is an IPv6 one, unless it asks
// for it: its label is that of no destination, and sources of another one come first (section 5, rule 6). Of
// two equal ones the kernel takes the address that came last, which is the shared one: what began from there
// would end with the next takeover. The label stays when the address is withdrawn; it harms nobody.
//
// Returns 0 or, as libnl does, a negative NLE_ code.
int avoid_as_source(nl_sock* route, const Address& address);

}  // namespace hasync::clusterip
