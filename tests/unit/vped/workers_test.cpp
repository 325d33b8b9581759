// Two gateways of two workers each, as they run: threads, real sockets on the loopback device, the kernel's
// steering. Socket pairs stand for the TUN device. The thread sanitizer's preset runs this one.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <future>
#include <semaphore>
#include <set>
#include <thread>

#include "tests/support/inner_packets.h"
#include "tests/support/vpe_packets.h"
#include "vped/worker.h"

namespace hasync::vped {
namespace {

constexpr std::uint32_t kWorkers = 2;
constexpr int kPackets = 400;  // by each worker of one end
constexpr int kUnread = 50;
constexpr int kPatience = 20'000;

Address loopback(bool v4, std::uint8_t last) {
  return v4 ? Address::v4(127, 0, 0, last) : Address::parse("::1").value();
}

class End {
 public:
  End(bool v4, bool first) : own_(loopback(v4, first ? 1 : 2)) {
    Tunnel tunnel{.name = "t",
                  .peer = loopback(v4, first ? 2 : 1),
                  .spi_out = EspSpi{0x1002},
                  .spi_in = EspSpi{0x1001},
                  .local = {Prefix::parse("10.1.0.0/16").value()},
                  .remote = {Prefix::parse("10.2.0.0/16").value()}};
    if (!first) {
      std::swap(tunnel.spi_out, tunnel.spi_in);
      std::swap(tunnel.local, tunnel.remote);
    }
    tunnels_.push_back(tunnel);
    inboxes_ = Inbox::open(own_, 0, kWorkers).value();
    port_ = inboxes_[0].port();
    for (std::uint32_t i = 0; i < kWorkers; ++i) mailboxes_.push_back(Mailbox::open().value());
  }
  ~End() {
    for (const auto& worker : workers_) worker->stop();
    for (auto& thread : threads_) thread.join();
  }
  std::uint16_t port() const { return port_; }
  std::vector<Inbox> own_inboxes(std::uint32_t worker) {
    std::vector<Inbox> out;
    out.push_back(std::move(inboxes_[worker]));
    return out;
  }

  void start(std::uint16_t peer_port, std::uint8_t own_key, std::uint8_t peer_key) {
    tunnels_[0].peer_port = peer_port;
    for (std::uint32_t i = 0; i < kWorkers; ++i) {
      std::array<int, 2> ends{};
      ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
      hosts_.emplace_back(ends[0]);
      workers_.push_back(
          Worker::create({i, kWorkers, Inside(Fd(ends[1])), own_inboxes(i), mailboxes_}).value());
      workers_.back()->put(0, line(i, 0, own_key, peer_key));
    }
    for (const auto& worker : workers_) threads_.emplace_back([&one = *worker] { one.run(); });
  }

  // The tunnel as this worker has it, under the SPIs that are `more` behind the first ones.
  Worker::Line line(std::uint32_t worker, std::uint32_t more, std::uint8_t own_key, std::uint8_t peer_key) {
    Tunnel tunnel = tunnels_[0];
    tunnel.spi_out.value += more;
    tunnel.spi_in.value += more;
    return {
        tunnel, PeerSocket::open(own_, tunnel.peer, tunnel.peer_port).value(),
        vpe::test::sender(vpe::test::gcm("auto", vpe::test::key(16, own_key)),
                          {.spi = tunnel.spi_out, .place = {.core = static_cast<std::uint8_t>(worker)}}),
        vpe::test::receiver(vpe::test::gcm("auto", vpe::test::key(16, peer_key)), {.spi = tunnel.spi_in})};
  }
  void on_each(const std::function<void(Worker&, std::uint32_t)>& task) {
    for (std::uint32_t i = 0; i < kWorkers; ++i) {
      std::promise<void> done;
      workers_[i]->post([&, i](Worker& one) {
        task(one, i);
        done.set_value();
      });
      done.get_future().get();
    }
  }

  // A packet for the queue of this worker; waits while the queue is full.
  void put(std::uint32_t worker, BytesView packet) const {
    Bytes framed(sizeof(Offload));
    framed.insert(framed.end(), packet.begin(), packet.end());
    pollfd room{hosts_[worker].get(), POLLOUT, 0};
    ASSERT_EQ(::poll(&room, 1, kPatience), 1);
    ASSERT_EQ(::write(hosts_[worker].get(), framed.data(), framed.size()),
              static_cast<ssize_t>(framed.size()));
  }
  // The next packet on any queue, and whose; nothing within the time.
  std::optional<std::pair<std::uint32_t, Bytes>> get() const {
    std::array<pollfd, kWorkers> waiting{};
    for (std::uint32_t i = 0; i < kWorkers; ++i) waiting[i] = {hosts_[i].get(), POLLIN, 0};
    if (::poll(waiting.data(), waiting.size(), kPatience) <= 0) return std::nullopt;
    for (std::uint32_t i = 0; i < kWorkers; ++i) {
      if (waiting[i].revents == 0) continue;
      Bytes packet(65536);
      const ssize_t size = ::read(hosts_[i].get(), packet.data(), packet.size());
      packet.resize(static_cast<std::size_t>(size));
      packet.erase(packet.begin(), packet.begin() + sizeof(Offload));
      return std::pair{i, packet};
    }
    return std::nullopt;
  }
  WorkerStatus status(std::uint32_t worker) const {
    std::promise<WorkerStatus> answer;
    workers_[worker]->post([&](Worker& one) { answer.set_value(one.status()); });
    return answer.get_future().get();
  }

 private:
  Address own_;
  std::uint16_t port_ = 0;
  std::vector<Tunnel> tunnels_;
  std::vector<Inbox> inboxes_;
  std::vector<Mailbox> mailboxes_;
  std::vector<Fd> hosts_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::thread> threads_;
};

class Workers : public testing::TestWithParam<bool> {  // IPv4 outside
 protected:
  void SetUp() override {
    a_.start(b_.port(), 0x40, 0x60);
    b_.start(a_.port(), 0x60, 0x40);
  }
  End a_{GetParam(), true}, b_{GetParam(), false};
};

TEST_P(Workers, EachPacketComesOnceToTheWorkerOfItsWindow) {
  std::counting_semaphore<> room(kUnread);  // a full socket pair would lose packets, as a full device does
  const std::jthread sender([&] {
    for (int i = 0; i < kPackets; ++i)
      for (std::uint32_t worker = 0; worker < kWorkers; ++worker) {
        if (!room.try_acquire_for(std::chrono::milliseconds(kPatience))) return;
        a_.put(worker,
               test::udp(64 + static_cast<std::size_t>(i), {.port = static_cast<std::uint16_t>(worker)}));
      }
  });
  std::set<std::pair<std::uint32_t, std::size_t>> came;
  for (int i = 0; i < kPackets * static_cast<int>(kWorkers); ++i) {
    const auto next = b_.get();
    ASSERT_TRUE(next) << "after " << i;
    room.release();
    const auto& [worker, packet] = *next;
    EXPECT_TRUE(test::is_right(packet));
    EXPECT_EQ(packet[21], worker) << "the sender's worker was put into the port";
    EXPECT_TRUE(came.emplace(worker, packet.size()).second) << "twice";
    if (i % 100 == 0) (void)b_.status(worker);  // while it works
  }
  for (std::uint32_t worker = 0; worker < kWorkers; ++worker) {
    EXPECT_EQ(a_.status(worker).tunnels[0].sent.packets, static_cast<std::uint64_t>(kPackets));
    EXPECT_EQ(b_.status(worker).tunnels[0].received.packets, static_cast<std::uint64_t>(kPackets));
    EXPECT_EQ(b_.status(worker).tunnels[0].receiving.size(), 1U);
  }
}

// To a socket that is not connected the kernel gives a train of two lanes as one: whoever gets it shares it
// out.
TEST_P(Workers, AStrayIsHandedToTheWorkerWhoseItIs) {
  const auto seal = [](std::uint8_t core, std::uint16_t port) {
    const auto sender = vpe::test::sender(vpe::test::gcm("auto", vpe::test::key(16, 0x40)),
                                          {.spi = EspSpi{0x1002}, .place = {.node = 3, .core = core}});
    return vpe::test::seal(*sender, test::udp(100, {.port = port}));
  };
  Bytes train = seal(0, 0);
  const std::size_t segment = train.size();
  for (const Bytes& one : {seal(1, 1)}) train.insert(train.end(), one.begin(), one.end());
  auto socket = PeerSocket::open(loopback(GetParam(), 1), loopback(GetParam(), 2), b_.port()).value();
  Outbox box;
  std::copy(train.begin(), train.end(), box.at(0));
  box.add(0, 0, segment);
  box.add(0, 0, segment);
  ASSERT_EQ(box.trains().size(), 1U);
  ASSERT_EQ(socket.send(box, box.trains()), 0U);
  std::set<std::uint32_t> came;
  for (int i = 0; i < 2; ++i) {
    const auto next = b_.get();
    ASSERT_TRUE(next);
    EXPECT_EQ(next->second[21], next->first);
    came.insert(next->first);
  }
  EXPECT_EQ(came.size(), 2U);
  EXPECT_EQ(b_.status(0).handed_over, 1U);
}

// Make before break: both ends get the new SA, one sends on it, both lose the old one; nothing is lost.
TEST_P(Workers, ARekeyLosesNoPacket) {
  const auto add = [](End& end, std::uint8_t own, std::uint8_t peer) {
    end.on_each([&](Worker& one, std::uint32_t i) { one.put(1, end.line(i, 1, own, peer)); });
  };
  const auto remove = [](End& end) { end.on_each([](Worker& one, std::uint32_t) { one.remove(0); }); };
  std::set<std::size_t> came;
  for (std::size_t i = 0; i < kPackets; ++i) {
    if (i == 100) add(b_, 0x61, 0x41);
    if (i == 150) add(a_, 0x41, 0x61);
    if (i == 200) a_.on_each([](Worker& one, std::uint32_t) { one.send_on({false, true}); });
    if (i == 300) remove(a_);
    if (i == 350) remove(b_);
    a_.put(static_cast<std::uint32_t>(i % kWorkers),
           test::udp(64 + i, {.port = static_cast<std::uint16_t>(i)}));
    const auto next = b_.get();
    ASSERT_TRUE(next) << "after " << i;
    EXPECT_TRUE(test::is_right(next->second));
    EXPECT_TRUE(came.insert(next->second.size()).second) << "twice";
  }
  std::uint64_t old_sa = 0, new_sa = 0;
  for (std::uint32_t worker = 0; worker < kWorkers; ++worker) {
    const WorkerStatus status = b_.status(worker);
    ASSERT_EQ(status.tunnels.size(), 2U);
    old_sa += status.tunnels[0].received.packets;
    new_sa += status.tunnels[1].received.packets;
  }
  EXPECT_EQ(old_sa, 0U) << "the place is free again";
  EXPECT_EQ(new_sa, 200U);
}

INSTANTIATE_TEST_SUITE_P(Families, Workers, testing::Bool());

}  // namespace
}  // namespace hasync::vped
