// The process group of all hasyncd processes (Corosync's CPG): totally ordered messages and the changes of
// the group, as the ring delivers them. Draws no conclusion from either: docs/decisions/0001-epochs.md does.
// Sending and receiving never wait for the ring. connect() and close() wait for the local corosync to answer:
// a corosync that hangs holds up a daemon that starts or stops, not one that works.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/adapters/fd_watch.h"
#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"
#include "hasyncd/adapters/retry_timer.h"

namespace hasync::hasyncd {

// One process in the group; a restarted one has another pid, most of the time.
struct GroupMember {
  NodeId node;
  std::uint32_t pid = 0;
  auto operator<=>(const GroupMember&) const = default;
};

enum class GroupChange { Join, Leave, NodeDown, NodeUp, ProcessDown, Unknown };
const char* to_string(GroupChange change);

struct GroupView {
  struct Change {
    GroupMember member;
    GroupChange reason = GroupChange::Unknown;
  };
  std::vector<GroupMember> members;
  std::vector<Change> left;
  std::vector<Change> joined;
};

class CpgChannel {
 public:
  struct Callbacks {
    std::function<void(const GroupView&)> view;
    std::function<void(GroupMember from, BytesView)> delivered;
    // Corosync is gone; what was queued is dropped. The channel stays down until connect() or
    // keep_connecting().
    std::function<void(const Error&)> lost;
  };
  struct Counters {
    std::uint64_t sent = 0;
    std::uint64_t delivered = 0;
    std::uint64_t retried = 0;  // the ring was full for the moment
    std::uint64_t dropped = 0;  // queued when the ring was lost
    std::size_t queued = 0;     // now
  };
  static constexpr std::size_t kMaxQueuedBytes = 16U << 20U;

  CpgChannel(boost::asio::io_context& io, Callbacks callbacks, std::string group = "hasyncd");
  ~CpgChannel();  // NOLINT(bugprone-exception-escape): see there
  CpgChannel(const CpgChannel&) = delete;
  CpgChannel& operator=(const CpgChannel&) = delete;

  Status connect();  // and joins the group
  // Tries to connect until it works, then calls `connected`.
  void keep_connecting(std::function<void()> connected);
  void close();  // leaves the group, without waiting; the other members see GroupChange::ProcessDown
  bool is_connected() const { return handle_ != 0; }
  NodeId local_node() const { return local_; }  // once connected

  // In order, as soon as the ring takes it. Busy: too much is waiting, nothing was queued.
  Status multicast(Bytes message);
  Counters counters() const;

 private:
  friend struct CpgCallbacks;
  void dispatch();
  void lose(const Error& error);
  void drop_handle();
  void flush();
  void pause(std::size_t times);

  boost::asio::io_context& io_;
  Callbacks callbacks_;
  std::string group_;
  std::uint64_t handle_ = 0;
  int socket_ = -1;               // to corosync
  std::uint64_t generation_ = 0;  // counts connections, so that callbacks may close or reconnect
  NodeId local_;
  std::size_t max_message_ = 0;
  std::unique_ptr<FdWatch> watch_;
  RetryTimer reconnect_;
  boost::asio::steady_timer pause_;
  bool pausing_ = false;
  std::deque<Bytes> queue_;
  std::size_t queued_bytes_ = 0;
  std::size_t burst_ = 0;  // bytes sent since the last pause
  Counters counters_;
};

}  // namespace hasync::hasyncd
