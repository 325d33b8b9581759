// RingLink: sealed ring messages and heartbeats. What does not open, is replayed, malformed or newer is
// counted and dropped; what comes out is what a member of this cluster has said.
#pragma once

#include <functional>
#include <memory>

#include "hasyncd/adapters/cpg_channel.h"
#include "hasyncd/adapters/heartbeat_socket.h"
#include "hasyncd/adapters/key_file.h"
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
};

class RingLink {
 public:
  struct Callbacks {
    std::function<void(const std::vector<NodeId>&)> view;
    std::function<void(NodeId, const RingMessage&)> message;
    std::function<void(const Heartbeat&)> heartbeat;
    std::function<void(bool)> quorate;
    std::function<void(const Error&)> lost;
    std::function<void(const std::string& what, const Error&)> refused;  // for the log
  };

  static Result<std::unique_ptr<RingLink>> create(boost::asio::io_context& io, const Config& config,
                                                  const KeySet& keys, Callbacks callbacks);
  void start();   // joins the group as soon as corosync is there, and again whenever it comes back
  void stop();    // leaves the group
  void rejoin();  // leaves it, and comes back: what was said meanwhile is a matter of a snapshot

  void send(const RingMessage& message);
  void send(Heartbeat heartbeat);
  void use_keys(const KeySet& keys);  // another key file
  const KeyChoice& keys() const { return keys_; }
  const LinkCounters& counters() const { return counters_; }

 private:
  RingLink(boost::asio::io_context& io, const Config& config, const KeySet& keys, Callbacks callbacks);
  void delivered(GroupMember from, BytesView bytes);
  void received(BytesView bytes);
  void lost(const Error& error);

  Callbacks callbacks_;
  NodeId self_;
  std::vector<NodeId> others_;
  Sealer sealer_;
  KeyChoice keys_;
  ReplayGuard ring_guard_;
  ReplayGuard heartbeat_guard_;
  CpgChannel cpg_;
  QuorumWatch quorum_;
  std::unique_ptr<HeartbeatSocket> socket_;
  LinkCounters counters_;
  bool stopped_ = false;
};

}  // namespace hasync::hasyncd
