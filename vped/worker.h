// One worker: the loop that moves packets between its queue of the TUN device and its sockets. All that it
// writes on the way is its own. Others speak to it by post().
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "vped/adapters/inside.h"
#include "vped/adapters/outside.h"
#include "vped/inbound.h"
#include "vped/outbound.h"
#include "vped/status.h"

namespace hasync::vped {

// A packet that came to one worker and belongs to another goes through the other's mailbox.
struct Mailbox {
  Fd in;   // others write
  Fd out;  // its worker reads
  static Result<Mailbox> open();
};

class Worker {
 public:
  struct Parts {
    std::uint32_t index = 0, workers = 1;
    Inside inside;
    Inbox inbox;
    std::vector<PeerSocket> peers;  // one for each tunnel
    std::vector<std::unique_ptr<vpe::Sender>> senders;
    std::vector<std::unique_ptr<vpe::Receiver>> receivers;
    std::span<Mailbox> mailboxes;  // of all workers
  };
  static Result<std::unique_ptr<Worker>> create(const Routes& routes, std::span<const Tunnel> tunnels,
                                                Parts parts);
  bool lost_device() const { return lost_device_; }

  void run();   // until stop(), or until the device is gone; in a thread of its own
  void stop();  // from any thread
  // Done by the worker itself, soon. From any thread.
  void post(std::function<void(Worker&)> task);
  WorkerStatus status();                                                       // by the worker itself
  std::size_t mtu(std::size_t tunnel) const { return outbound_.mtu(tunnel); }  // before run()

 private:
  Worker(const Routes& routes, std::span<const Tunnel> tunnels, Parts parts);
  Status watch();
  void look_after(int what, bool broken);
  void from_inside();
  void from_outside();
  void from_mailbox();
  void flush_outbound();
  void flush_inbound();
  void renew_mtus(bool all);
  void do_tasks();
  TunnelStatus status_of(std::size_t tunnel);

  std::span<const Tunnel> tunnels_;
  Parts parts_;
  Counts counts_;
  Outbound outbound_;
  Inbound inbound_;
  std::vector<std::uint8_t> buffer_;  // of what comes from inside
  std::vector<std::uint8_t> letters_;
  std::chrono::steady_clock::time_point mtus_asked_;
  Fd epoll_;
  Fd wake_;
  std::mutex mutex_;
  std::vector<std::function<void(Worker&)>> tasks_;  // by mutex_
  std::atomic<bool> stopped_{false};
  std::atomic<bool> lost_device_{false};
};

}  // namespace hasync::vped
