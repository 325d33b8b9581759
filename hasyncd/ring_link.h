// RingLink: sealed ring messages and heartbeats. What does not open, is replayed, malformed or newer is
// counted and dropped; what comes out is what a member of this cluster has said.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <variant>
#include <vector>

#include "hasyncd/adapters/cpg_channel.h"
#include "hasyncd/adapters/heartbeat_socket.h"
#include "hasyncd/adapters/key_file.h"
#include "hasyncd/adapters/packer.h"
#include "hasyncd/adapters/quorum_watch.h"
#include "hasyncd/adapters/seal.h"
#include "hasyncd/config.h"
#include "hasyncd/wire/key_choice.h"
#include "hasyncd/wire/messages.h"
#include "hasyncd/wire/replay_guard.h"

namespace hasync::hasyncd {

struct LinkCounters {
  std::uint64_t unsealed = 0;   // did not open: another key, another sender, or changed on the way
  std::uint64_t replayed = 0;   // delivered before
  std::uint64_t malformed = 0;  // opened, but is no message; the last reason is logged
  std::uint64_t unsent = 0;     // the queue towards the ring was full
  std::uint64_t heartbeats_sent = 0;
  std::uint64_t heartbeats_received = 0;  // that counted
};

// Who has sent datagrams to the heartbeat's port that are none of this cluster.
struct Stranger {
  Address address;
  std::uint64_t datagrams = 0;
  std::chrono::steady_clock::time_point last;
  std::optional<std::chrono::steady_clock::time_point> told;  // to the log
};

class RingLink {
 public:
  static constexpr std::size_t kMaxStrangers = 8;  // remembered and told of; who comes later is counted only
  struct Callbacks {
    std::function<void(const std::vector<NodeId>&)> view;
    std::function<void(NodeId, const RingMessage&)> message;
    std::function<void(NodeId, const Aside&)> aside;
    std::function<void(const Heartbeat&)> heartbeat;
    std::function<void(bool)> quorate;
    std::function<void(const Error&)> lost;
    std::function<void(const std::string& what, const Error&)> refused;  // for the log
  };

  static Result<std::unique_ptr<RingLink>> create(boost::asio::io_context& io, const Config& config,
                                                  const KeySet& keys, Incarnation incarnation,
                                                  Callbacks callbacks);
  void start();   // joins the group as soon as corosync is there, and again whenever it comes back
  void stop();    // leaves the group
  void rejoin();  // leaves it, and comes back: what was said meanwhile is a matter of a snapshot

  void send(const RingMessage& message);
  void send(Heartbeat heartbeat);  // the newest alone leaves, when what is under way has been dealt with
  std::uint64_t send(const std::variant<Ask, About>& aside);  // returns its number
  void use_keys(const KeySet& keys);                          // another key file
  const KeyChoice& keys() const { return keys_; }
  Process self() const { return self_; }
  const LinkCounters& counters() const { return counters_; }
  const std::vector<Stranger>& strangers() const { return strangers_; }
  // Members that speak a newer version of the protocol than this node understands, and when they did last.
  const std::map<NodeId, std::chrono::steady_clock::time_point>& newer() const { return newer_; }

 private:
  RingLink(boost::asio::io_context& io, const Config& config, const KeySet& keys, Incarnation incarnation,
           Callbacks callbacks);
  void delivered(GroupMember from, BytesView bytes);
  void received(BytesView bytes, const Address& from);
  void queue(const Bytes& encoded, Packer::Haste haste);
  void multicast(Bytes pack);
  void open(GroupMember from, BytesView sealed);
  void send_heartbeats();
  void not_a_message(NodeId from, BytesView opened, const Error& error);
  bool remember_stranger(const Address& address);  // whether to tell of it
  void remember_newer(NodeId node, const Error& error);
  void lost(const Error& error);

  boost::asio::io_context& io_;
  Callbacks callbacks_;
  Process self_;
  std::map<NodeId, UdpEndpoint> others_;  // their heartbeats
  Sealer sealer_;
  KeyChoice keys_;
  ReplayGuard ring_guard_;
  ReplayGuard aside_guard_;
  ReplayGuard heartbeat_guard_;
  CpgChannel cpg_;
  Packer packer_;
  QuorumWatch quorum_;
  std::unique_ptr<HeartbeatSocket> socket_;
  std::vector<Heartbeat> due_;
  LinkCounters counters_;
  std::uint64_t asides_ = 0;
  std::vector<Stranger> strangers_;
  std::map<NodeId, std::chrono::steady_clock::time_point> newer_;
  bool stopped_ = false;
};

}  // namespace hasync::hasyncd
