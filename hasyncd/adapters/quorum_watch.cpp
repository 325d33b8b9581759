#include "hasyncd/adapters/quorum_watch.h"

#include <corosync/quorum.h>

#include "hasyncd/adapters/corosync_error.h"

namespace hasync::hasyncd {

// Corosync's callbacks have C types; this is their way to the watch.
struct QuorumCallbacks {
  static void notify(quorum_handle_t handle, std::uint32_t quorate, quorum_ring_id, std::uint32_t,
                     const std::uint32_t*) {
    const void* context = nullptr;
    if (quorum_context_get(handle, &context) != CS_OK || context == nullptr) return;
    auto* watch = const_cast<QuorumWatch*>(static_cast<const QuorumWatch*>(context));
    if (watch->is_connected()) watch->callbacks_.changed(quorate != 0);
  }
};

QuorumWatch::QuorumWatch(boost::asio::io_context& io, Callbacks callbacks)
    : io_(io), callbacks_(std::move(callbacks)), reconnect_(io) {}

QuorumWatch::~QuorumWatch() {
  drop_handle();
}

Status QuorumWatch::connect() {
  if (is_connected()) return Done{};
  quorum_model_v1_data_t model{};
  model.model = QUORUM_MODEL_V1;
  model.quorum_notify_fn = QuorumCallbacks::notify;
  quorum_handle_t handle = 0;
  std::uint32_t type = 0;
  cs_error_t code = quorum_model_initialize(&handle, QUORUM_MODEL_V1,
                                            reinterpret_cast<quorum_model_data_t*>(&model), &type, this);
  if (code != CS_OK) return corosync_error("quorum_model_initialize", code);
  if (type == QUORUM_FREE) {
    quorum_finalize(handle);
    return invalid("corosync.conf: quorum.provider is not set; hasyncd needs corosync_votequorum");
  }
  int fd = -1;
  code = quorum_fd_get(handle, &fd);
  if (code == CS_OK) code = quorum_trackstart(handle, CS_TRACK_CURRENT | CS_TRACK_CHANGES);
  if (code != CS_OK) {
    quorum_finalize(handle);
    return corosync_error("quorum_trackstart", code);
  }
  handle_ = handle;
  ++generation_;
  watch_ = std::make_unique<FdWatch>(io_, fd, [this] { dispatch(); });
  return Done{};
}

void QuorumWatch::keep_connecting() {
  reconnect_.start([this] { return connect().has_value(); });
}

void QuorumWatch::close() {
  reconnect_.stop();
  drop_handle();
}

void QuorumWatch::drop_handle() {
  watch_.reset();
  if (handle_ == 0) return;
  quorum_finalize(handle_);
  handle_ = 0;
}

void QuorumWatch::dispatch() {
  const std::uint64_t generation = generation_;
  while (handle_ != 0 && generation_ == generation) {
    const cs_error_t code = quorum_dispatch(handle_, CS_DISPATCH_ONE_NONBLOCKING);
    if (handle_ == 0 || generation_ != generation || code == CS_ERR_TRY_AGAIN) return;
    if (code != CS_OK) {
      drop_handle();
      return callbacks_.lost(corosync_error("quorum_dispatch", code));
    }
  }
}

}  // namespace hasync::hasyncd
