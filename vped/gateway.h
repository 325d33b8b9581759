// Puts a vped together from its configuration, and runs its workers.
#pragma once

#include <functional>
#include <memory>
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
  // What the workers say now, one after the other. Busy: one does not answer in time.
  Result<std::vector<WorkerStatus>> status();
  const Config& config() const { return config_; }
  const std::vector<std::uint8_t>& incarnations() const { return incarnations_; }
  const std::string& cipher() const { return cipher_; }  // the library that does it

 private:
  explicit Gateway(const Config& config) : config_(config), routes_(config_.tunnels) {}
  Status load(const MakesProvider& makes);
  Status add_worker(std::uint32_t index, Fd queue, Inbox inbox, const MakesProvider& makes);
  Status add_engines(Worker::Parts& parts, vpe::GcmProvider& provider);
  Result<std::uint32_t> inside_mtu() const;

  Config config_;
  Routes routes_;
  std::vector<Keys> keys_;  // until the engines have them
  std::vector<std::uint8_t> incarnations_;
  std::string cipher_;
  std::vector<Mailbox> mailboxes_;
  std::vector<std::unique_ptr<vpe::GcmProvider>> providers_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::thread> threads_;
};

}  // namespace hasync::vped
