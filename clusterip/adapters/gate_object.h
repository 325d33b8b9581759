// The compiled eBPF object, inside the program: generated from clusterip/bpf/gate.bpf.c at build time.
#pragma once

#include <span>

namespace hasync::clusterip {

std::span<const unsigned char> gate_object();

}  // namespace hasync::clusterip
