// Puts a vped together from its configuration, and runs its workers. What the workers have is changed while
// they run, by one thread: this object's owner.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "vpe/gcm.h"
#include "vped/adapters/key_file.h"
#include "vped/adapters/tun.h"
#include "vped/config.h"
#include "vped/status.h"
#include "vped/worker.h"

namespace hasync::vped {

// One for each worker.
using MakesProvider = std::function<Result<std::unique_ptr<vpe::GcmProvider>>()>;

class Gateway {
 public:
  // Everything is there and nothing is sent yet.
  static Result<std::unique_ptr<Gateway>> create(const Config& config, const MakesProvider& makes);
  ~Gateway();

  void start();
  bool lost_device() const;

  // Another tunnel, to which nothing is sent yet unless it says so. Nothing is changed where there is an
  // error; it returns the tunnel's place.
  Result<std::size_t> add(KnownTunnel tunnel, const Keys& keys, std::uint32_t window_bits,
                          std::uint8_t hops = 1);
  // It has no sender yet, and gets one: with this key, as `share` says.
  Status give(std::size_t place, vpe::Place share, const Secret& key);
  // It has a sender, which goes on in fresh windows. Invalid: not above the present incarnation, or beyond
  // the budget.
  Status renew(std::size_t place, std::uint32_t incarnation);
  // Nothing below these incarnations is taken any more, by any worker. Busy: one does not say that it is
  // done.
  struct Retired {
    std::size_t place = 0;
    std::uint8_t below = 0;
  };
  Status retire(const std::vector<Retired>& places);
  void remove(std::size_t place);
  Status move(std::size_t place, const Address& peer, std::uint16_t port);
  // From now on these send, and those from files.
  void send_on(const std::vector<std::size_t>& places);

  // What the workers say now, one after the other. Busy: one does not answer in time.
  Result<std::vector<WorkerStatus>> status();
  const Config& config() const { return config_; }
  const std::vector<std::optional<KnownTunnel>>& tunnels() const { return tunnels_; }  // by place
  const std::string& cipher() const { return cipher_; }  // the library that does it

 private:
  explicit Gateway(const Config& config) : config_(config) {}
  Status load(const MakesProvider& makes);
  Status make_workers(const MakesProvider& makes, Tun& tun);
  Result<std::vector<std::vector<Inbox>>> open_inboxes() const;
  Status add_worker(std::uint32_t index, Fd queue, std::vector<Inbox> inboxes, const MakesProvider& makes);
  Status add_from_files();
  Result<Worker::Line> line_of(const KnownTunnel& tunnel, const Keys& keys, std::uint32_t window_bits,
                               PeerSocket peer, std::uint32_t worker);
  Result<PeerSocket> socket_to(const Tunnel& tunnel, std::uint8_t hops) const;
  Result<std::unique_ptr<vpe::Sender>> sender_of(const Tunnel& tunnel, vpe::Place share, const Secret& key,
                                                 std::uint32_t worker);
  Own own() const { return {config_.address, config_.shared}; }
  std::size_t free_place();
  void each(const std::function<void(Worker&)>& task);
  // The answer of each worker, one after the other. Busy: one does not answer in time.
  template <typename Answer>
  Result<std::vector<Answer>> ask(const std::function<Answer(Worker&)>& question);
  std::uint32_t inside_mtu() const;

  Config config_;
  std::string cipher_;
  std::vector<Mailbox> mailboxes_;
  std::vector<std::unique_ptr<vpe::GcmProvider>> providers_;
  std::vector<std::optional<KnownTunnel>> tunnels_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::thread> threads_;
};

}  // namespace hasync::vped
