#include "vped/worker.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

namespace hasync::vped {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kPacket = 65536;
constexpr int kFromInside = 64;  // packets before the other direction has its turn
constexpr int kFromOutside = 4;  // calls
constexpr std::size_t kLetters = 64;
constexpr std::chrono::seconds kMtuAge{5};  // how soon a path that became wider is noticed

}  // namespace

Result<Mailbox> Mailbox::open() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0)
    return system_error("mailbox");
  return Mailbox{Fd(ends[0]), Fd(ends[1])};
}

Worker::Worker(Parts parts)
    : parts_(std::move(parts)),
      routes_(tunnels_),
      outbound_(routes_, tunnels_, counts_, {}),
      inbound_(routes_, tunnels_, counts_, {}, parts_.index, parts_.workers),
      buffer_(kPacket),
      letters_(parts_.workers > 1 ? kLetters * kPacket : 0),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Result<std::unique_ptr<Worker>> Worker::create(Parts parts) {
  std::unique_ptr<Worker> out(new Worker(std::move(parts)));
  if (Status watched = out->watch(); !watched) return watched.error();
  return out;
}

Status Worker::watch() {
  std::vector<int> watched = {parts_.inside.fd(), parts_.mailboxes[parts_.index].out.get(), wake_.get()};
  for (const Inbox& inbox : parts_.inboxes) watched.push_back(inbox.fd());
  for (const int fd : watched) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return system_error("epoll");
  }
  return Done{};
}

void Worker::run() {
  while (!stopped_.load(std::memory_order_relaxed)) {
    std::array<epoll_event, 8> events;
    constexpr int wait_ms = std::chrono::milliseconds(kMtuAge).count();
    const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), wait_ms);
    for (std::size_t i = 0; i < static_cast<std::size_t>(std::max(count, 0)); ++i)
      look_after(events[i].data.fd, (events[i].events & (EPOLLERR | EPOLLHUP)) != 0);
    if (Clock::now() - mtus_asked_ >= kMtuAge) renew_mtus(true);
  }
}

void Worker::look_after(int what, bool broken) {
  if (what == parts_.inside.fd() && broken) {
    lost_device_ = stopped_ = true;
    (void)::kill(::getpid(), SIGTERM);  // as anybody else would end this process
  } else if (what == parts_.inside.fd()) {
    from_inside();
  } else if (what == wake_.get()) {
    do_tasks();
  } else if (what == parts_.mailboxes[parts_.index].out.get()) {
    from_mailbox();
  } else {
    from_outside(*std::ranges::find(parts_.inboxes, what, &Inbox::fd));
  }
}

void Worker::from_inside() {
  for (int i = 0; i < kFromInside; ++i) {
    Offload offload;
    const auto packet = parts_.inside.read(offload, buffer_);
    if (!packet) break;
    outbound_.take(offload, *packet);
    if (!outbound_.has_room()) flush_outbound();
  }
  flush_outbound();
}

void Worker::flush_outbound() {
  std::span<const Train> trains = outbound_.outbox().trains();
  bool stale = false;
  while (!trains.empty()) {
    std::size_t count = 1;
    while (count < trains.size() && trains[count].tunnel == trains[0].tunnel) ++count;
    PeerSocket& peer = *peers_[trains[0].tunnel];
    counts_.drop(Cause::NotSent, peer.send(outbound_.outbox(), trains.first(count)));
    Counts::add(counts_.sent, count);
    stale = stale || peer.is_stale();
    trains = trains.subspan(count);
  }
  for (const Bytes& answer : outbound_.answers())
    if (!parts_.inside.write(answer)) counts_.drop(Cause::NotWritten);
  outbound_.clear();
  if (stale) renew_mtus(false);
}

void Worker::from_outside(Inbox& inbox) {
  for (int i = 0; i < kFromOutside; ++i) {
    const std::size_t count = inbox.receive();
    for (std::size_t at = 0; at < count; ++at) inbound_.take(inbox.bytes(at), inbox.segment(at));
    flush_inbound();
    if (count == 0) return;
  }
}

void Worker::from_mailbox() {
  const int box = parts_.mailboxes[parts_.index].out.get();
  for (std::size_t i = 0; i < kLetters; ++i) {
    std::uint8_t* const letter = letters_.data() + i * kPacket;
    const ssize_t size = ::recv(box, letter, kPacket, MSG_DONTWAIT);
    if (size <= 0) break;
    inbound_.take({letter, static_cast<std::size_t>(size)}, 0);
  }
  flush_inbound();
}

void Worker::flush_inbound() {
  for (const Inbound::Stray& stray : inbound_.strays()) {
    const int box = parts_.mailboxes[stray.worker].in.get();
    const bool sent = ::send(box, stray.packet.data(), stray.packet.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0;
    sent ? Counts::add(counts_.handed_over) : counts_.drop(Cause::NotWritten);
  }
  for (const Joined& joined : inbound_.finish()) {
    if (parts_.inside.write(joined)) {
      Counts::add(counts_.written);
    } else {
      counts_.drop(Cause::NotWritten, joined.pieces.size());
    }
  }
  inbound_.clear();
}

void Worker::renew_mtus(bool all) {
  if (all) mtus_asked_ = Clock::now();
  for (std::size_t i = 0; i < tunnels_.size(); ++i)
    if (peers_[i] && (all || peers_[i]->is_stale())) renew_mtu(i);
}

void Worker::renew_mtu(std::size_t place) {
  const std::size_t outer = outer_header(tunnels_[place].peer) + vpe::kHeaderSize;
  const std::size_t path = std::min<std::size_t>(peers_[place]->path_mtu(), vpe::kLargestPacket);
  outbound_.set_mtu(place, path > outer ? path - outer : 0);
}

void Worker::put(std::size_t place, Line line) {
  if (place >= tunnels_.size()) {
    tunnels_.resize(place + 1);
    peers_.resize(place + 1);
  }
  tunnels_[place] = std::move(line.tunnel);
  peers_[place].emplace(std::move(line.peer));
  outbound_.put(place, std::move(line.sender));
  inbound_.put(place, tunnels_[place].spi_in, std::move(line.receiver));
  renew_mtu(place);
  routes_ = Routes(tunnels_);
}

void Worker::give(std::size_t place, std::unique_ptr<vpe::Sender> sender) {
  if (peers_[place]) outbound_.give(place, std::move(sender));
}

void Worker::renew(std::size_t place, std::uint8_t incarnation) {
  if (peers_[place]) outbound_.renew(place, incarnation);
}

// A peer that was started with another node's number has sent as that, too.
void Worker::retire(std::size_t place, std::uint8_t below) {
  if (!peers_[place]) return;
  for (std::uint8_t node = 0; node < vpe::kNodes; ++node)
    inbound_.receiver(place).retire_below(vpe::kUnicast, node, below);
}

void Worker::remove(std::size_t place) {
  tunnels_[place].sends = false;
  routes_ = Routes(tunnels_);
  outbound_.put(place, nullptr);
  inbound_.put(place, {}, nullptr);
  peers_[place].reset();
}

void Worker::move(std::size_t place, const Address& peer, std::uint16_t port, PeerSocket socket) {
  tunnels_[place].peer = peer;
  tunnels_[place].peer_port = port;
  peers_[place].emplace(std::move(socket));
  renew_mtu(place);
}

void Worker::send_on(const std::vector<bool>& places) {
  for (std::size_t i = 0; i < std::min(places.size(), tunnels_.size()); ++i)
    tunnels_[i].sends = places[i] && outbound_.sender(i) != nullptr;
  routes_ = Routes(tunnels_);
}

void Worker::post(std::function<void(Worker&)> task) {
  const std::lock_guard<std::mutex> lock(mutex_);
  tasks_.push_back(std::move(task));
  (void)::eventfd_write(wake_.get(), 1);
}

void Worker::stop() {
  stopped_ = true;
  (void)::eventfd_write(wake_.get(), 1);
}

void Worker::do_tasks() {
  eventfd_t count = 0;
  (void)::eventfd_read(wake_.get(), &count);
  std::vector<std::function<void(Worker&)>> tasks;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    tasks.swap(tasks_);
  }
  for (const auto& task : tasks) task(*this);
}

WorkerStatus Worker::status() {
  const auto value = [](const std::atomic<std::uint64_t>& counter) {
    return counter.load(std::memory_order_relaxed);
  };
  WorkerStatus out{.read = value(counts_.read),
                   .written = value(counts_.written),
                   .received = value(counts_.received),
                   .sent = value(counts_.sent),
                   .handed_over = value(counts_.handed_over),
                   .told_too_big = value(counts_.told_too_big)};
  for (std::size_t i = 0; i < kCauses; ++i) out.drops[i] = value(counts_.drops[i]);
  for (std::size_t i = 0; i < tunnels_.size(); ++i) out.tunnels.push_back(status_of(i));
  return out;
}

TunnelStatus Worker::status_of(std::size_t tunnel) {
  TunnelStatus out;
  if (!peers_[tunnel]) return out;
  out.mtu = outbound_.mtu(tunnel);
  if (const vpe::Sender* sender = outbound_.sender(tunnel)) {
    out.sent.add(sender->counters());
    for (std::uint8_t c = 0; c < vpe::kClasses; ++c)
      if (sender->next_number(c) != vpe::kFirstNumber)
        out.sending.push_back(
            {{tunnels_[tunnel].sender, window_id(sender->place(), c)}, sender->next_number(c)});
  }
  out.received.add(inbound_.receiver(tunnel).counters());
  out.receiving = inbound_.receiver(tunnel).windows();
  return out;
}

}  // namespace hasync::vped
