// `haipsec get` and `put`: a tunnel's context from charon into a file, and from a file into charon, without a
// cluster.
#pragma once

#include "ctx-transfer/adapters/charon_client.h"
#include "haipsec/commands.h"

namespace hasync::haipsec {

int get(const Options& options);
int put(const Options& options);

// `name`: a connection, or the start (4 digits and more) of the initiator's SPI. Exactly one must fit.
Result<ctx::SaSummary> choose_tunnel(const std::vector<ctx::SaSummary>& tunnels, const std::string& name);

// The context with every outbound number moved on by `skip`; what left after GET stays below it. Refuses
// numbers that would not fit.
Result<Secret> skip_numbers(std::string_view context, std::uint64_t skip);

}  // namespace hasync::haipsec
