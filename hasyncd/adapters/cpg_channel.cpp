#include "hasyncd/adapters/cpg_channel.h"

#include <corosync/cpg.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <span>
#include <utility>

#include "hasyncd/adapters/corosync_error.h"

namespace hasync::hasyncd {
namespace {

constexpr int kDispatchAtOnce = 64;  // then the loop sees to timers and other descriptors
constexpr std::chrono::milliseconds kPause{1};
// How much a pause makes up for: Corosync runs with a higher priority than we do, and a snapshot at the
// ring's full speed leaves no time for heartbeats on a small machine: the owner would fall silent.
constexpr std::size_t kBytesPerPause = 16U << 10U;

GroupChange change_of(std::uint32_t reason) {
  switch (static_cast<cpg_reason_t>(reason)) {
    case CPG_REASON_JOIN:
      return GroupChange::Join;
    case CPG_REASON_LEAVE:
      return GroupChange::Leave;
    case CPG_REASON_NODEDOWN:
      return GroupChange::NodeDown;
    case CPG_REASON_NODEUP:
      return GroupChange::NodeUp;
    case CPG_REASON_PROCDOWN:
      return GroupChange::ProcessDown;
    case CPG_REASON_UNDEFINED:
      break;
  }
  return GroupChange::Unknown;
}

std::vector<GroupView::Change> changes_of(const cpg_address* list, std::size_t count) {
  std::vector<GroupView::Change> out;
  for (const cpg_address& a : std::span(list, count)) {
    out.push_back({{NodeId{a.nodeid}, a.pid}, change_of(a.reason)});
  }
  return out;
}

// libqb announces each message by a byte on the socket, and tries without end while the socket is full: some
// 280 bytes, of a corosync that reads none. In the kernel's own unit, of which a byte takes hundreds.
bool half_full(int socket) {
  int unread = 0;
  int limit = 0;
  socklen_t size = sizeof(limit);
  return ::ioctl(socket, SIOCOUTQ, &unread) == 0 &&
         ::getsockopt(socket, SOL_SOCKET, SO_SNDBUF, &limit, &size) == 0 && unread > limit / 2;
}

cpg_name name_of(const std::string& group) {
  cpg_name name{};
  name.length = static_cast<std::uint32_t>(std::min<std::size_t>(group.size(), CPG_MAX_NAME_LENGTH - 1));
  std::memcpy(name.value, group.data(), name.length);
  return name;
}

}  // namespace

const char* to_string(GroupChange change) {
  switch (change) {
    case GroupChange::Join:
      return "join";
    case GroupChange::Leave:
      return "leave";
    case GroupChange::NodeDown:
      return "node down";
    case GroupChange::NodeUp:
      return "node up";
    case GroupChange::ProcessDown:
      return "process down";
    case GroupChange::Unknown:
      break;
  }
  return "unknown";
}

// Corosync's callbacks have C types; this is their way to the channel's members.
struct CpgCallbacks {
  static CpgChannel* channel_of(cpg_handle_t handle) {
    void* context = nullptr;
    return cpg_context_get(handle, &context) == CS_OK ? static_cast<CpgChannel*>(context) : nullptr;
  }

  static void deliver(cpg_handle_t handle, const cpg_name*, std::uint32_t node, std::uint32_t pid,
                      void* message, std::size_t length) {
    CpgChannel* channel = channel_of(handle);
    if (channel == nullptr || !channel->is_connected()) return;
    ++channel->counters_.delivered;
    channel->callbacks_.delivered({NodeId{node}, pid}, {static_cast<const std::uint8_t*>(message), length});
  }

  static void change(cpg_handle_t handle, const cpg_name*, const cpg_address* members,
                     std::size_t member_count, const cpg_address* left, std::size_t left_count,
                     const cpg_address* joined, std::size_t joined_count) {
    CpgChannel* channel = channel_of(handle);
    if (channel == nullptr || !channel->is_connected()) return;
    GroupView view;
    for (const cpg_address& a : std::span(members, member_count))
      view.members.push_back({NodeId{a.nodeid}, a.pid});
    view.left = changes_of(left, left_count);
    view.joined = changes_of(joined, joined_count);
    channel->callbacks_.view(view);
  }
};

CpgChannel::CpgChannel(boost::asio::io_context& io, Callbacks callbacks, std::string group)
    : io_(io), callbacks_(std::move(callbacks)), group_(std::move(group)), reconnect_(io), pause_(io) {}

// NOLINTNEXTLINE(bugprone-exception-escape): cancelling a timer throws by its signature only
CpgChannel::~CpgChannel() {
  drop_handle();
}

Status CpgChannel::connect() {
  if (is_connected()) return Done{};
  cpg_model_v1_data_t model{};
  model.model = CPG_MODEL_V1;
  model.cpg_deliver_fn = CpgCallbacks::deliver;
  model.cpg_confchg_fn = CpgCallbacks::change;
  cpg_handle_t handle = 0;
  cs_error_t code =
      cpg_model_initialize(&handle, CPG_MODEL_V1, reinterpret_cast<cpg_model_data_t*>(&model), this);
  if (code != CS_OK) return corosync_error("cpg_model_initialize", code);

  std::uint32_t size = 0;
  std::uint32_t local = 0;
  int fd = -1;
  const cpg_name name = name_of(group_);
  const char* call = "cpg_fd_get";
  code = cpg_fd_get(handle, &fd);
  if (code == CS_OK) call = "cpg_max_atomic_msgsize_get", code = cpg_max_atomic_msgsize_get(handle, &size);
  if (code == CS_OK) call = "cpg_local_get", code = cpg_local_get(handle, &local);
  if (code == CS_OK) call = "cpg_join", code = cpg_join(handle, &name);
  if (code != CS_OK) {
    cpg_finalize(handle);
    return corosync_error(call, code);
  }
  handle_ = handle;
  socket_ = fd;
  ++generation_;
  max_message_ = size;
  local_ = NodeId{local};
  watch_ = std::make_unique<FdWatch>(io_, fd, [this] { dispatch(); });
  return Done{};
}

void CpgChannel::keep_connecting(std::function<void()> connected) {
  reconnect_.start([this, connected = std::move(connected)] {
    if (!connect()) return false;
    connected();
    return true;
  });
}

void CpgChannel::close() {
  reconnect_.stop();
  drop_handle();
}

// Asked to leave, Corosync's library waits for the answer without limit, of a corosync that is stopped, too.
// Hung up on, it does not, and corosync tells the others when it sees it.
void CpgChannel::drop_handle() {
  watch_.reset();
  pause_.cancel();
  pausing_ = false;
  counters_.dropped += queue_.size();
  queue_.clear();
  queued_bytes_ = 0;
  burst_ = 0;
  if (handle_ == 0) return;
  ::shutdown(socket_, SHUT_RDWR);
  cpg_finalize(std::exchange(handle_, 0));
}

void CpgChannel::dispatch() {
  const std::uint64_t generation = generation_;
  for (int i = 0; i < kDispatchAtOnce; ++i) {
    const cs_error_t code = cpg_dispatch(handle_, CS_DISPATCH_ONE_NONBLOCKING);
    if (handle_ == 0 || generation_ != generation) return;  // a callback closed or reconnected
    if (code == CS_ERR_TRY_AGAIN) return;
    if (code != CS_OK) return lose(corosync_error("cpg_dispatch", code));
  }
}

void CpgChannel::lose(const Error& error) {
  drop_handle();
  callbacks_.lost(error);
}

Status CpgChannel::multicast(Bytes message) {
  if (!is_connected()) return Error{Errc::Busy, "not connected to corosync"};
  if (message.size() > max_message_) {
    return invalid("message: " + std::to_string(message.size()) + " bytes, the ring carries " +
                   std::to_string(max_message_));
  }
  if (queued_bytes_ + message.size() > kMaxQueuedBytes) {
    return Error{Errc::Busy, std::to_string(queue_.size()) + " messages wait for the ring already"};
  }
  queued_bytes_ += message.size();
  queue_.push_back(std::move(message));
  if (!pausing_) flush();
  return Done{};
}

void CpgChannel::flush() {
  while (!queue_.empty()) {
    iovec part{queue_.front().data(), queue_.front().size()};
    const cs_error_t code =
        half_full(socket_) ? CS_ERR_TRY_AGAIN : cpg_mcast_joined(handle_, CPG_TYPE_AGREED, &part, 1);
    if (code == CS_ERR_TRY_AGAIN) return ++counters_.retried, pause(1);
    // Other errors mean that corosync is gone. dispatch() finds the same and reports it, outside of the
    // caller.
    if (code != CS_OK) return;
    ++counters_.sent;
    burst_ += part.iov_len;
    queued_bytes_ -= part.iov_len;
    queue_.pop_front();
    if (burst_ >= kBytesPerPause) return pause(std::exchange(burst_, 0) / kBytesPerPause);
  }
}

void CpgChannel::pause(std::size_t times) {
  pausing_ = true;
  pause_.expires_after(kPause * times);
  pause_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    pausing_ = false;
    if (is_connected()) flush();
  });
}

CpgChannel::Counters CpgChannel::counters() const {
  Counters out = counters_;
  out.queued = queue_.size();
  return out;
}

}  // namespace hasync::hasyncd
