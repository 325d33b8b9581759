// UDP towards the peers. What comes is received on sockets of one port, one for each worker, between which
// the kernel chooses by (SenderID, WindowID) (steering.h). What goes leaves from a socket for each worker and
// peer: with a port of its own, so that two workers' packets are two flows to all that is on the way, and
// connected, so that it knows the MTU of its path. The kernel cuts trains on the way out (UDP_SEGMENT) and
// builds them on the way in (UDP_GRO).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/adapters/fd.h"
#include "base/address.h"
#include "base/result.h"
#include "vped/outbox.h"

namespace hasync::vped {

// The address that packets come to and leave from.
struct Own {
  Own(const Address& at, bool is_shared = false) : address(at), shared(is_shared) {}
  Address address;
  bool shared;  // with other gateways: it may be another's now (needs CAP_NET_RAW)
};

class Inbox {
 public:
  // One for each worker, in their order.
  static Result<std::vector<Inbox>> open(const Own& own, std::uint16_t port, std::uint32_t workers);
  // What is sent to this multicast group comes as well, on the interface that has the own address. Each
  // socket is given every packet, and takes what is its worker's.
  static Result<std::vector<Inbox>> join(const Address& own, const Address& group, std::uint16_t port,
                                         std::uint32_t workers);

  int fd() const { return socket_.get(); }
  std::uint16_t port() const;  // that it has, where 0 was asked for
  // How many there are now; each stays until the next call.
  std::size_t receive();
  std::span<std::uint8_t> bytes(std::size_t i) { return {buffer(i), sizes_[i]}; }
  std::size_t segment(std::size_t i) const { return segments_[i]; }  // 0: a single datagram

 private:
  static constexpr std::size_t kMost = 16;  // datagrams or trains at a time
  static constexpr std::size_t kBuffer = 65536;
  explicit Inbox(Fd socket) : socket_(std::move(socket)), buffers_(kMost * kBuffer) {}
  std::uint8_t* buffer(std::size_t i) { return buffers_.data() + i * kBuffer; }

  Fd socket_;
  std::vector<std::uint8_t> buffers_;
  std::array<std::size_t, kMost> sizes_{};
  std::array<std::size_t, kMost> segments_{};
};

class PeerSocket {
 public:
  static Result<PeerSocket> open(const Own& own, const Address& peer, std::uint16_t port);
  // Towards a multicast group, by the interface that has the own address. Nothing comes back to this machine.
  static Result<PeerSocket> open_group(const Address& own, const Address& group, std::uint16_t port,
                                       std::uint8_t hops);

  // Trains of this peer that stand in the outbox. Returns how many packets the kernel did not take.
  std::size_t send(const Outbox& outbox, std::span<const Train> trains);
  // Asks for the path's MTU anew, and connects if that was not possible before. 0: there is no path. To a
  // group there are many: that of the interface.
  std::size_t path_mtu();
  // A send failed for the size; path_mtu() clears it.
  bool is_stale() const { return stale_; }

 private:
  PeerSocket(Fd socket, const Address& peer, std::uint16_t port)
      : socket_(std::move(socket)), peer_(peer), port_(port) {}
  Fd socket_;
  Address peer_;
  std::uint16_t port_;
  int interface_ = 0;  // towards a group
  bool connected_ = false;
  bool stale_ = false;
};

// What IP and UDP need before a packet.
std::size_t outer_header(const Address& peer);

}  // namespace hasync::vped
