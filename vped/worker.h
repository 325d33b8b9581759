// One worker: the loop that moves packets between its queue of the TUN device and its sockets. All that it
// writes on the way is its own. Others speak to it by post().
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
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
    std::vector<Inbox> inboxes;    // the port's, and of each group
    std::span<Mailbox> mailboxes;  // of all workers
  };
  // One tunnel in the hands of one worker.
  struct Line {
    Tunnel tunnel;
    PeerSocket peer;
    std::unique_ptr<vpe::Sender> sender;  // none: it is only received on
    std::unique_ptr<vpe::Receiver> receiver;
  };
  static Result<std::unique_ptr<Worker>> create(Parts parts);
  bool lost_device() const { return lost_device_; }

  void run();   // until stop(), or until the device is gone; in a thread of its own
  void stop();  // from any thread
  // Done by the worker itself, soon. From any thread.
  void post(std::function<void(Worker&)> task);
  // By the worker itself, or before run(). All workers have the same tunnel at the same place.
  void put(std::size_t place, Line line);                             // which is free
  void give(std::size_t place, std::unique_ptr<vpe::Sender> sender);  // it has none yet
  // Sends in fresh windows; takes nothing of older incarnations.
  void renew(std::size_t place, std::uint8_t incarnation);
  void retire(std::size_t place, std::uint8_t below);
  void remove(std::size_t place);
  void move(std::size_t place, const Address& peer, std::uint16_t port, PeerSocket socket);
  void send_on(const std::vector<bool>& places);  // whether each sends, if it can
  WorkerStatus status();
  std::size_t mtu(std::size_t tunnel) const { return outbound_.mtu(tunnel); }

 private:
  explicit Worker(Parts parts);
  Status watch();
  void look_after(int what, bool broken);
  void from_inside();
  void from_outside(Inbox& inbox);
  void from_mailbox();
  void flush_outbound();
  void flush_inbound();
  void renew_mtus(bool all);
  void renew_mtu(std::size_t place);
  void do_tasks();
  TunnelStatus status_of(std::size_t tunnel);

  Parts parts_;
  std::vector<Tunnel> tunnels_;
  std::vector<std::optional<PeerSocket>> peers_;  // none: the place is free
  Routes routes_;
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
