#include "vped/gateway.h"

#include <algorithm>
#include <future>
#include <set>

#include "vped/adapters/incarnation_file.h"

namespace hasync::vped {
namespace {

constexpr std::chrono::seconds kAnswer{2};
constexpr std::uint32_t kWindowsOfPeer = 256, kWindowsOfGroup = 4096;  // that one worker keeps
constexpr std::uint32_t kMtuForAnybody = 1400;  // Ethernet's, less some bytes for a tunnel on the way

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
  if (config_.workers == 0)
    config_.workers = std::clamp(std::thread::hardware_concurrency(), 1U, std::uint32_t{vpe::kCores});
  auto tun = Tun::create(config_.interface, config_.workers);
  if (!tun) return tun.error();
  if (Status made = make_workers(makes, *tun); !made) return made;
  if (Status added = add_from_files(); !added) return added;
  if (Status set = tun->set_mtu(inside_mtu()); !set) return set;
  return tun->set_up();
}

Status Gateway::make_workers(const MakesProvider& makes, Tun& tun) {
  auto inboxes = open_inboxes();
  if (!inboxes) return inboxes.error();
  for (std::uint32_t i = 0; i < config_.workers; ++i) {
    auto mailbox = Mailbox::open();
    if (!mailbox) return mailbox.error();
    mailboxes_.push_back(*std::move(mailbox));
  }
  std::vector<Fd> queues = tun.take_queues();
  for (std::uint32_t i = 0; i < config_.workers; ++i)
    if (Status added = add_worker(i, std::move(queues[i]), std::move((*inboxes)[i]), makes); !added)
      return added;
  return Done{};
}

// Of each worker: the port's, and one for each group.
Result<std::vector<std::vector<Inbox>>> Gateway::open_inboxes() const {
  std::vector<std::vector<Inbox>> out(config_.workers);
  const auto give_out = [&](Result<std::vector<Inbox>> opened) -> Status {
    if (!opened) return opened.error();
    for (std::size_t i = 0; i < out.size(); ++i) out[i].push_back(std::move((*opened)[i]));
    return Done{};
  };
  if (Status given = give_out(Inbox::open(own(), config_.port, config_.workers)); !given)
    return given.error();
  std::set<Address> joined;  // several groups of VPE may have one address
  for (const Tunnel& tunnel : config_.tunnels) {
    if (!tunnel.is_group() || !joined.insert(tunnel.peer).second) continue;
    Status given = give_out(Inbox::join(config_.address, tunnel.peer, config_.port, config_.workers));
    if (!given) return given.error();
  }
  return out;
}

Status Gateway::add_worker(std::uint32_t index, Fd queue, std::vector<Inbox> inboxes,
                           const MakesProvider& makes) {
  auto provider = makes();
  if (!provider) return provider.error();
  cipher_ = (*provider)->name();
  providers_.push_back(*std::move(provider));
  auto worker =
      Worker::create({index, config_.workers, Inside(std::move(queue)), std::move(inboxes), mailboxes_});
  if (!worker) return worker.error();
  workers_.push_back(*std::move(worker));
  return Done{};
}

Status Gateway::add_from_files() {
  if (config_.lines.empty()) return Done{};
  std::vector<Keys> keys;
  std::vector<std::string> names;
  for (const Config::Line& line : config_.lines) {
    auto loaded =
        config_.tunnels[keys.size()].is_group() ? load_group_key(line.key_file) : load_keys(line.key_file);
    if (!loaded) return loaded.error();
    names.push_back(fingerprint(loaded->out));
    keys.push_back(*std::move(loaded));
  }
  if (std::set<std::string>(names.begin(), names.end()).size() != names.size())
    return invalid("two tunnels have the same key to send with, and would use the same IVs");
  const auto incarnations = take_incarnations(config_.state_dir, names);
  if (!incarnations) return incarnations.error();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    auto added = add({config_.tunnels[i], vpe::Place{config_.node, (*incarnations)[i]}, "file"}, keys[i],
                     config_.lines[i].window_bits, config_.lines[i].hops);
    if (!added) return added.error();
  }
  return Done{};
}

Result<Worker::Line> Gateway::line_of(const KnownTunnel& known, const Keys& keys, std::uint32_t window_bits,
                                      PeerSocket peer, std::uint32_t worker) {
  const Tunnel& tunnel = known.tunnel;
  std::unique_ptr<vpe::Sender> sender;
  if (known.place) {
    auto made = sender_of(tunnel, *known.place, keys.out, worker);
    if (!made) return made.error();
    sender = *std::move(made);
  }
  auto opens = providers_[worker]->make(keys.in.reveal());
  if (!opens) return opens.error();
  auto receiver = vpe::Receiver::create(
      *std::move(opens), {.spi = tunnel.spi_in,
                          .sender = tunnel.peer_sender,
                          .window_bits = window_bits,
                          .most_windows = tunnel.is_group() ? kWindowsOfGroup : kWindowsOfPeer});
  if (!receiver) return receiver.error();
  return Worker::Line{tunnel, std::move(peer), std::move(sender), *std::move(receiver)};
}

Result<std::unique_ptr<vpe::Sender>> Gateway::sender_of(const Tunnel& tunnel, vpe::Place share,
                                                        const Secret& key, std::uint32_t worker) {
  auto seals = providers_[worker]->make(key.reveal());
  if (!seals) return seals.error();
  share.core = static_cast<std::uint8_t>(worker);
  return vpe::Sender::create(*std::move(seals),
                             {.spi = tunnel.spi_out, .sender = tunnel.sender, .place = share});
}

Status Gateway::give(std::size_t place, vpe::Place share, const Secret& key) {
  std::vector<std::shared_ptr<std::unique_ptr<vpe::Sender>>> senders;
  for (std::uint32_t i = 0; i < workers_.size(); ++i) {
    auto sender = sender_of(tunnels_[place]->tunnel, share, key, i);
    if (!sender) return sender.error();
    senders.push_back(std::make_shared<std::unique_ptr<vpe::Sender>>(*std::move(sender)));
  }
  tunnels_[place]->place = share;
  for (std::size_t i = 0; i < workers_.size(); ++i)
    workers_[i]->post([place, sender = senders[i]](Worker& one) { one.give(place, std::move(*sender)); });
  return Done{};
}

Result<PeerSocket> Gateway::socket_to(const Tunnel& tunnel, std::uint8_t hops) const {
  return tunnel.is_group() ? PeerSocket::open_group(config_.address, tunnel.peer, tunnel.peer_port, hops)
                           : PeerSocket::open(own(), tunnel.peer, tunnel.peer_port);
}

Result<std::size_t> Gateway::add(KnownTunnel tunnel, const Keys& keys, std::uint32_t window_bits,
                                 std::uint8_t hops) {
  const auto spi_taken = [&](const std::optional<KnownTunnel>& other) {
    return other && other->tunnel.spi_in == tunnel.tunnel.spi_in;
  };
  if (std::ranges::any_of(tunnels_, spi_taken))
    return Error{Errc::Conflict, "tunnel " + tunnel.tunnel.name + ": its own SPI is taken by another tunnel"};
  std::vector<std::shared_ptr<Worker::Line>> lines;
  for (std::uint32_t i = 0; i < workers_.size(); ++i) {
    auto socket = socket_to(tunnel.tunnel, hops);
    if (!socket) return socket.error();
    auto line = line_of(tunnel, keys, window_bits, *std::move(socket), i);
    if (!line) return line.error();
    lines.push_back(std::make_shared<Worker::Line>(*std::move(line)));
  }
  const std::size_t place = free_place();
  tunnels_[place] = std::move(tunnel);
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    const auto put = [place, line = lines[i]](Worker& one) { one.put(place, std::move(*line)); };
    threads_.empty() ? put(*workers_[i]) : workers_[i]->post(put);
  }
  return place;
}

std::size_t Gateway::free_place() {
  const auto found =
      std::ranges::find_if(tunnels_, [](const std::optional<KnownTunnel>& one) { return !one.has_value(); });
  if (found == tunnels_.end()) return tunnels_.emplace_back(), tunnels_.size() - 1;
  return static_cast<std::size_t>(found - tunnels_.begin());
}

template <typename Answer>
Result<std::vector<Answer>> Gateway::ask(const std::function<Answer(Worker&)>& question) {
  std::vector<Answer> out;
  for (const auto& worker : workers_) {
    const auto answer = std::make_shared<std::promise<Answer>>();
    auto arrives = answer->get_future();
    worker->post([answer, question](Worker& one) { answer->set_value(question(one)); });
    if (arrives.wait_for(kAnswer) != std::future_status::ready)
      return Error{Errc::Busy, "a worker does not answer"};
    out.push_back(arrives.get());
  }
  return out;
}

Status Gateway::renew(std::size_t place, std::uint32_t incarnation) {
  vpe::Place& now = *tunnels_[place]->place;
  if (incarnation <= now.incarnation || incarnation >= vpe::kIncarnations)
    return invalid("incarnation " + std::to_string(incarnation) +
                   ": not above the present one, or beyond the budget");
  now.incarnation = static_cast<std::uint8_t>(incarnation);
  each([place, incarnation = now.incarnation](Worker& one) { one.renew(place, incarnation); });
  return Done{};
}

Status Gateway::retire(const std::vector<Retired>& places) {
  const auto done = ask<bool>([places](Worker& one) {
    for (const Retired& retired : places) one.retire(retired.place, retired.below);
    return true;
  });
  if (!done) return done.error();
  return Done{};
}

void Gateway::remove(std::size_t place) {
  tunnels_[place].reset();
  each([place](Worker& one) { one.remove(place); });
}

Status Gateway::move(std::size_t place, const Address& peer, std::uint16_t port) {
  std::vector<std::shared_ptr<PeerSocket>> sockets;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    auto socket = PeerSocket::open(own(), peer, port);
    if (!socket) return socket.error();
    sockets.push_back(std::make_shared<PeerSocket>(*std::move(socket)));
  }
  tunnels_[place]->tunnel.peer = peer;
  tunnels_[place]->tunnel.peer_port = port;
  for (std::size_t i = 0; i < workers_.size(); ++i)
    workers_[i]->post([place, peer, port, socket = sockets[i]](Worker& one) {
      one.move(place, peer, port, std::move(*socket));
    });
  return Done{};
}

void Gateway::send_on(const std::vector<std::size_t>& places) {
  std::vector<bool> sends;
  for (std::size_t i = 0; i < tunnels_.size(); ++i) {
    sends.push_back(i < config_.tunnels.size() || std::ranges::find(places, i) != places.end());
    if (tunnels_[i]) tunnels_[i]->tunnel.sends = sends.back();
  }
  each([sends](Worker& one) { one.send_on(sends); });
}

void Gateway::each(const std::function<void(Worker&)>& task) {
  for (const auto& worker : workers_) worker->post(task);
}

// What fits to every peer there is a path to.
std::uint32_t Gateway::inside_mtu() const {
  if (config_.mtu != 0) return config_.mtu;
  std::size_t least = 0;
  for (std::size_t i = 0; i < tunnels_.size(); ++i) {
    const std::size_t mtu = workers_.front()->mtu(i);
    if (mtu != 0 && (least == 0 || mtu < least)) least = mtu;
  }
  return least == 0 ? kMtuForAnybody : static_cast<std::uint32_t>(least);
}

void Gateway::start() {
  for (const auto& worker : workers_) threads_.emplace_back([&one = *worker] { one.run(); });
}

bool Gateway::lost_device() const {
  return std::ranges::any_of(workers_, [](const auto& worker) { return worker->lost_device(); });
}

Result<std::vector<WorkerStatus>> Gateway::status() {
  return ask<WorkerStatus>([](Worker& one) { return one.status(); });
}

}  // namespace hasync::vped
