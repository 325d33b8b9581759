// The program by which the kernel gives each packet from outside to the worker that has its window: sockets
// of one port (SO_REUSEPORT), chosen by (SenderID, WindowID) as they stand in clear (vpe/packet.h, lane).
// Classic BPF, since that needs no privilege.
#pragma once

#include <cstdint>
#include <vector>

namespace hasync::vped {

// As struct sock_filter (linux/filter.h).
struct BpfStep {
  std::uint16_t code = 0;
  std::uint8_t if_true = 0, if_false = 0;
  std::uint32_t k = 0;
};

// Its packet begins with the payload of the datagram; it returns the socket's index. One that is too short
// goes to the first.
std::vector<BpfStep> steering(std::uint32_t workers);

// Each socket of a group's port is given every packet, so each has a filter by which it takes only those of
// its worker. Its packet begins with the UDP header.
std::vector<BpfStep> only_for(std::uint32_t worker, std::uint32_t workers);

}  // namespace hasync::vped
