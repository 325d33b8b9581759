#include "vped/gateway.h"

#include <algorithm>
#include <future>
#include <set>

#include "vped/adapters/incarnation_file.h"

namespace hasync::vped {
namespace {

constexpr std::chrono::seconds kAnswer{2};

}  // namespace

Result<std::unique_ptr<Gateway>> Gateway::create(const Config& config, const MakesProvider& makes) {
  std::unique_ptr<Gateway> out(new Gateway(config));
  if (Status loaded = out->load(makes); !loaded) return loaded.error();
  return out;
}

Gateway::~Gateway() {
  for (const auto& worker : workers_) worker->stop();
  for (std::thread& thread : threads_) thread.join();
}

Status Gateway::load(const MakesProvider& makes) {
  std::vector<std::string> names;
  for (const Config::Line& line : config_.lines) {
    auto keys = load_keys(line.key_file);
    if (!keys) return keys.error();
    names.push_back(fingerprint(keys->out));
    keys_.push_back(*std::move(keys));
  }
  if (std::set<std::string>(names.begin(), names.end()).size() != names.size())
    return invalid("two tunnels have the same key to send with, and would use the same IVs");
  if (config_.workers == 0)
    config_.workers = std::clamp(std::thread::hardware_concurrency(), 1U, std::uint32_t{vpe::kCores});
  auto incarnations = take_incarnations(config_.state_dir, names);
  if (!incarnations) return incarnations.error();
  incarnations_ = *std::move(incarnations);

  auto inboxes = Inbox::open(config_.address, config_.port, config_.workers);
  if (!inboxes) return inboxes.error();
  auto tun = Tun::create(config_.interface, config_.workers);
  if (!tun) return tun.error();
  for (std::uint32_t i = 0; i < config_.workers; ++i) {
    auto mailbox = Mailbox::open();
    if (!mailbox) return mailbox.error();
    mailboxes_.push_back(*std::move(mailbox));
  }
  std::vector<Fd> queues = tun->take_queues();
  for (std::uint32_t i = 0; i < config_.workers; ++i)
    if (Status added = add_worker(i, std::move(queues[i]), std::move((*inboxes)[i]), makes); !added)
      return added;
  keys_.clear();
  const auto mtu = inside_mtu();
  if (!mtu) return mtu.error();
  if (Status set = tun->set_mtu(*mtu); !set) return set;
  return tun->set_up();
}

Status Gateway::add_worker(std::uint32_t index, Fd queue, Inbox inbox, const MakesProvider& makes) {
  auto provider = makes();
  if (!provider) return provider.error();
  cipher_ = (*provider)->name();
  Worker::Parts parts{index, config_.workers, Inside(std::move(queue)), std::move(inbox), {}, {},
                      {},    mailboxes_};
  if (Status added = add_engines(parts, **provider); !added) return added;
  providers_.push_back(*std::move(provider));
  auto worker = Worker::create(routes_, config_.tunnels, std::move(parts));
  if (!worker) return worker.error();
  workers_.push_back(*std::move(worker));
  return Done{};
}

Status Gateway::add_engines(Worker::Parts& parts, vpe::GcmProvider& provider) {
  for (std::size_t i = 0; i < config_.tunnels.size(); ++i) {
    const Tunnel& tunnel = config_.tunnels[i];
    auto seals = provider.make(keys_[i].out.reveal());
    auto opens = provider.make(keys_[i].in.reveal());
    if (!seals || !opens) return seals ? opens.error() : seals.error();
    const vpe::Place place{config_.node, incarnations_[i], static_cast<std::uint8_t>(parts.index)};
    auto sender = vpe::Sender::create(*std::move(seals),
                                      {.spi = tunnel.spi_out, .sender = tunnel.sender, .place = place});
    if (!sender) return sender.error();
    auto receiver = vpe::Receiver::create(
        *std::move(opens),
        {.spi = tunnel.spi_in, .sender = tunnel.peer_sender, .window_bits = config_.lines[i].window_bits});
    if (!receiver) return receiver.error();
    auto peer = PeerSocket::open(config_.address, tunnel.peer, tunnel.peer_port);
    if (!peer) return peer.error();
    parts.senders.push_back(*std::move(sender));
    parts.receivers.push_back(*std::move(receiver));
    parts.peers.push_back(*std::move(peer));
  }
  return Done{};
}

// What fits to every peer there is a path to.
Result<std::uint32_t> Gateway::inside_mtu() const {
  if (config_.mtu != 0) return config_.mtu;
  std::size_t least = 0;
  for (std::size_t i = 0; i < config_.tunnels.size(); ++i) {
    const std::size_t mtu = workers_.front()->mtu(i);
    if (mtu != 0 && (least == 0 || mtu < least)) least = mtu;
  }
  if (least == 0)
    return Error{Errc::NotFound,
                 "there is no path to any peer now, so gateway.mtu must be in the configuration"};
  return static_cast<std::uint32_t>(least);
}

void Gateway::start() {
  for (const auto& worker : workers_) threads_.emplace_back([&one = *worker] { one.run(); });
}

bool Gateway::lost_device() const {
  return std::ranges::any_of(workers_, [](const auto& worker) { return worker->lost_device(); });
}

Result<std::vector<WorkerStatus>> Gateway::status() {
  std::vector<WorkerStatus> out;
  for (const auto& worker : workers_) {
    const auto answer = std::make_shared<std::promise<WorkerStatus>>();
    auto arrives = answer->get_future();
    worker->post([answer](Worker& one) { answer->set_value(one.status()); });
    if (arrives.wait_for(kAnswer) != std::future_status::ready)
      return Error{Errc::Busy, "a worker does not answer"};
    out.push_back(arrives.get());
  }
  return out;
}

}  // namespace hasync::vped
