#include "tests/sim/vpe_cluster.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>

namespace hasync::sim {

namespace {

using namespace vpe;

constexpr int kSteps = 1500;

// Encrypts nothing; its ICV tells key and IV, and it shows what it was given.
class FakeGcm : public Gcm {
 public:
  using Seen = std::function<void(Bytes iv)>;
  FakeGcm(std::uint32_t key, Seen seen) : key_(key), seen_(std::move(seen)) {}
  void seal(const std::uint8_t* iv, BytesView, std::span<const Piece>, std::uint8_t* icv) override {
    seen_(Bytes(iv, iv + kIvSize));
    std::ranges::copy(icv_of(iv), icv);
  }
  bool open(const std::uint8_t* iv, BytesView, std::span<const Piece>, const std::uint8_t* icv) override {
    return std::ranges::equal(icv_of(iv), std::span(icv, kIcvSize));
  }

 private:
  std::array<std::uint8_t, kIcvSize> icv_of(const std::uint8_t* iv) const {
    std::array<std::uint8_t, kIcvSize> out{};
    std::memcpy(out.data(), &key_, sizeof(key_));
    std::memcpy(out.data() + sizeof(key_), iv, kIvSize);
    return out;
  }
  std::uint32_t key_;
  Seen seen_;
};

EspSpi spi_of(std::uint32_t key) {
  return EspSpi{256 + key};
}

}  // namespace

bool is_vpe(const std::string& mutation) {
  return mutation.starts_with("vpe_");
}

VpeCluster::VpeCluster(std::uint64_t seed, std::string mutation, bool verbose)
    : seed_(seed), mutation_(std::move(mutation)), verbose_(verbose), random_(seed ^ 0x767065) {
  nodes_.resize(2 + random_.below(3));
  new_receiver();
  for (std::size_t i = 0; i < nodes_.size(); ++i) start();
}

VpeCluster::~VpeCluster() = default;

void VpeCluster::tell(const std::string& what) const {
  if (verbose_) std::printf("vpe: %s\n", what.c_str());
}

void VpeCluster::fail(const std::string& what) {
  tell(what);
  if (!failure_) failure_ = what;
}

std::vector<std::uint32_t> VpeCluster::running() const {
  std::vector<std::uint32_t> out;
  for (std::uint32_t i = 0; i < nodes_.size(); ++i)
    if (nodes_[i].up) out.push_back(i);
  return out;
}

Verdict VpeCluster::run() {
  for (int i = 0; i < kSteps && !failure_; ++i) step();
  if (!failure_) heal();
  return {.seed = seed_, .failure = failure_, .packets = packets_, .takeovers = losses_};
}

void VpeCluster::step() {
  const std::size_t die = random_.below(100);
  if (die < 30) {
    send(random_.pick(running()));
  } else if (die < 50) {
    apply_one(random_.pick(running()));
  } else if (die < 70) {
    order_one();
  } else if (die < 80) {
    replay();
  } else if (die < 85) {
    start();
  } else if (die < 90) {
    crash();
  } else if (die < 92) {
    lose_receiver();
  } else if (die < 95) {
    rekey();
  }
  use_stable();
}

// A node wants an incarnation under the present key.
void VpeCluster::ask(std::uint32_t number) {
  if (std::exchange(nodes_[number].asked, true)) return;
  proposed_.push_back({number, nodes_[number].process, key_});
}

void VpeCluster::order_one() {
  if (proposed_.empty()) return;
  log_.push_back(proposed_.front());
  proposed_.pop_front();
}

void VpeCluster::apply_one(std::uint32_t number) {
  Node& node = nodes_[number];
  if (node.applied == log_.size()) return;
  const std::size_t index = node.applied++;
  const Take& take = log_[index];
  const auto incarnation = node.taken[take.key].take(take.node);
  if (take.node != number || take.process != node.process) return;
  if (!incarnation) {
    node.asked = false;  // spent; the next key has more
    if (take.key != key_) ask(number);
  } else if (mutated("vpe_incarnation_unstable")) {
    use(number, take.key, *incarnation);
  } else {
    node.granted[index] = *incarnation;
  }
}

// An entry is stable when every member has applied it.
void VpeCluster::use_stable() {
  std::size_t stable = log_.size();
  for (const Node& node : nodes_)
    if (node.up) stable = std::min(stable, node.applied);
  for (const std::uint32_t number : running()) {
    Node& node = nodes_[number];
    while (!node.granted.empty() && node.granted.begin()->first < stable) {
      const auto [index, incarnation] = *node.granted.begin();
      node.granted.erase(node.granted.begin());
      use(number, log_[index].key, incarnation);
    }
  }
}

void VpeCluster::use(std::uint32_t number, KeyId key, std::uint8_t incarnation) {
  Node& node = nodes_[number];
  node.asked = false;
  if (key != key_) return ask(number);  // rekeyed meanwhile
  tell("node " + std::to_string(number) + " has incarnation " + std::to_string(incarnation) + " under key " +
       std::to_string(key));
  if (node.sender != nullptr && node.key == key) {
    if (!node.sender->move_to(incarnation)) fail("I1: an incarnation that is not above the last one");
  } else {
    auto gcm = std::make_unique<FakeGcm>(key, [this, key](Bytes iv) {
      if (!nonces_.emplace(key, std::move(iv)).second) fail("I1: a (key, nonce) leaves twice");
    });
    node.sender = *Sender::create(
        std::move(gcm), {.spi = spi_of(key),
                         .place = {.node = static_cast<std::uint8_t>(number), .incarnation = incarnation}});
    node.key = key;
  }
  node.remembered = incarnation;
  to_move_.erase(number);
  if (moving_ && to_move_.empty()) end_move();
}

// Whatever leaves arrives, and an attacker has a copy.
void VpeCluster::send(std::uint32_t number) {
  Node& node = nodes_[number];
  if (node.sender == nullptr || node.key != key_) return;
  Bytes wire(kHeaderSize + kSmallestPayload);
  wire[kHeaderSize] = 0x45;
  wire[kHeaderSize + 3] = kSmallestPayload;
  const Piece payload{wire.data() + kHeaderSize, wire.data() + kHeaderSize, kSmallestPayload};
  Packet packet{.header = wire.data(),
                .pieces = {&payload, 1},
                .traffic_class = static_cast<std::uint8_t>(random_.below(4))};
  node.sender->seal({&packet, 1});
  ++packets_;
  if (recorded_.size() < 2000) recorded_.push_back(wire);
  receiver_->open({&packet, 1});
  if (packet.drop != Drop::None)
    fail(std::string("I1: a packet is refused that nobody sent before: ") + name(packet.drop));
}

void VpeCluster::replay() {
  if (recorded_.empty()) return;
  Bytes wire = random_.pick(recorded_);
  const Piece payload{wire.data() + kHeaderSize, wire.data() + kHeaderSize, kSmallestPayload};
  Packet packet{.header = wire.data(), .pieces = {&payload, 1}};
  // until the move has ended it may pass, once
  if (receiver_->open({&packet, 1}) != 0 && !moving_)
    fail("I5: a packet is accepted again after the move to fresh windows");
}

void VpeCluster::new_receiver() {
  receiver_ = *Receiver::create(std::make_unique<FakeGcm>(key_, [](const Bytes&) {}),
                                {.spi = spi_of(key_), .window_bits = 64, .most_windows = 4096});
}

// The receiving end loses its windows, and asks all who send to it for fresh ones.
void VpeCluster::lose_receiver() {
  tell("the receiver is lost");
  ++losses_;
  new_receiver();
  moving_ = true;
  to_move_.clear();
  for (const std::uint32_t number : running()) {
    // what is asked for already comes of an older wish, but is fresh all the same
    to_move_.insert(number);
    ask(number);
  }
}

// The incarnation that this node has, or will have next: everything below is gone for good.
std::uint32_t VpeCluster::oldest_of(std::uint32_t number) {
  Node& node = nodes_[number];
  if (!node.up) return nodes_[running().front()].taken[key_].taken(number);
  if (node.sender != nullptr && node.key == key_) return node.sender->place().incarnation;
  for (const auto& [index, incarnation] : node.granted)
    if (log_[index].key == key_) return incarnation;
  return node.taken[key_].taken(number);
}

// All have confirmed: what they, and those that are down, had before is refused from now on.
void VpeCluster::end_move() {
  for (std::uint32_t number = 0; number < nodes_.size(); ++number) {
    if (mutated("vpe_old_windows_kept")) continue;
    receiver_->retire_below(kUnicast, static_cast<std::uint8_t>(number),
                            static_cast<std::uint8_t>(oldest_of(number)));
  }
  moving_ = false;
  tell("all have fresh windows");
}

void VpeCluster::crash() {
  const auto candidates = running();
  if (candidates.size() < 2) return;
  const std::uint32_t number = random_.pick(candidates);
  tell("node " + std::to_string(number) + " dies");
  Node& node = nodes_[number];
  node = {.remembered = node.remembered};
  std::erase_if(proposed_, [number](const Take& take) { return take.node == number; });
  view_changes();
  to_move_.erase(number);
  if (moving_ && to_move_.empty()) end_move();
}

// With nothing but its disk, which may be older than its death.
void VpeCluster::start() {
  const auto down = std::ranges::find(nodes_, false, &Node::up);
  if (down == nodes_.end()) return;
  const auto number = static_cast<std::uint32_t>(down - nodes_.begin());
  tell("node " + std::to_string(number) + " starts");
  view_changes();
  const auto others = running();
  Node& node = nodes_[number];
  node.up = true;
  node.process = ++processes_;
  node.applied = log_.size();
  if (!others.empty()) node.taken = nodes_[others.front()].taken;  // snapshot
  if (mutated("vpe_same_incarnation") && node.remembered) {
    use(number, key_, *node.remembered);
  } else {
    ask(number);
  }
}

// What nobody who is left has applied is lost; the rest is applied by all before the view begins.
void VpeCluster::view_changes() {
  std::size_t end = 0;
  for (const std::uint32_t number : running()) end = std::max(end, nodes_[number].applied);
  log_.resize(end);
  for (const std::uint32_t number : running())
    while (nodes_[number].applied < end) apply_one(number);
  use_stable();
  ask_again();
}

// Those whose entry was lost.
void VpeCluster::ask_again() {
  for (const std::uint32_t number : running()) {
    const bool under_way = std::ranges::find(proposed_, number, &Take::node) != proposed_.end();
    if (!nodes_[number].asked || under_way) continue;
    nodes_[number].asked = false;
    ask(number);
  }
}

// IKE rekeys when incarnations run short, and now and then for reasons of its own.
void VpeCluster::rekey() {
  const Node& any = nodes_[running().front()];
  const auto known = any.taken.find(key_);
  const bool wanted = known != any.taken.end() && known->second.wants_rekey();
  if (!wanted && random_.below(8) != 0) return;
  ++key_;
  tell("key " + std::to_string(key_));
  recorded_.clear();
  moving_ = false;
  to_move_.clear();
  new_receiver();
  for (const std::uint32_t number : running()) ask(number);
}

// Everybody comes back, and all of them can send.
void VpeCluster::heal() {
  while (running().size() < nodes_.size()) start();
  ++key_;
  moving_ = false;
  recorded_.clear();
  new_receiver();
  for (const std::uint32_t number : running()) ask(number);
  for (int round = 0; round < 200 && !failure_; ++round) {
    order_one();
    for (const std::uint32_t number : running()) apply_one(number);
    use_stable();
  }
  for (const std::uint32_t number : running()) {
    if (nodes_[number].sender == nullptr || nodes_[number].key != key_)
      return fail("settling: node " + std::to_string(number) + " has no windows under the new key");
    send(number);
  }
}

}  // namespace hasync::sim
