#include "tests/sim/machine.h"

#include <algorithm>

namespace hasync::sim {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t kMeanwhile = 8;  // in data_plane.cpp more, as a lease is

std::string text_of(const hasyncd::GateLimits& limits) {
  return "gate " + to_string(limits.key) + ": " + std::to_string(limits.floor) + " to " +
         std::to_string(limits.ceiling);
}

}  // namespace

void World::tell(NodeId node, const std::string& what) const {
  if (!verbose) return;
  std::printf("%10.3f ms  node %u  %s\n", std::chrono::duration<double, std::milli>(schedule.now()).count(),
              node.value, what.c_str());
}

std::deque<Machine::Call>& Machine::Running::queue(From from) {
  return from == From::Ring ? from_ring : from == From::Network ? from_network : from_charon;
}

Machine::Machine(World& world, NodeId id, bool gateway)
    : world_(world),
      id_(id),
      gateway_(gateway),
      offset_(world.some(seconds{1000}, seconds{1000000})),
      drift_ppm_(static_cast<std::int64_t>(world.random.below(900)) - 450) {}

Instant Machine::clock() const {
  const Instant now = world_.schedule.now();
  return offset_ + now + now * drift_ppm_ / 1'000'000;
}

void Machine::power_on() {
  if (std::exchange(powered_, true)) return;
  world_.tell(id_, "power on");
  ++boots_;
  world_.ring->start(id_);
  start_charon();
  start_vped();
  world_.schedule.after(world_.some(milliseconds{1}, milliseconds{100}), [this] {
    if (powered_) start_hasyncd();
  });
}

void Machine::power_off() {
  if (!std::exchange(powered_, false)) return;
  world_.tell(id_, "POWER OFF");
  if (process_) world_.checker.died({id_, process_->incarnation});
  process_.reset();
  ++session_;
  charon_up_ = false;
  held_.clear();
  vped_ = {};
  kernel_ = {};
  frozen_ = false;
  after_thaw_.clear();
  holds_address_ = beside_ = false;
  allowed_ = {};
  world_.ring->stop(id_);
}

void Machine::start_hasyncd() {
  if (process_ || !powered_ || frozen_) return;
  const Incarnation incarnation{++world_.incarnations};
  hasyncd::NodeSettings settings = world_.settings;
  settings.self = {id_, incarnation};
  settings.gateway = gateway_;
  settings.blank = disk_.blank;
  world_.tell(id_, "hasyncd starts as incarnation " + std::to_string(incarnation.value));
  process_.emplace(
      Running{incarnation, std::make_unique<hasyncd::Node>(settings, disk_.promised, disk_.confirmed)});
  kernel_.close_fence();
  kernel_.forget_gates();
  holds_address_ = beside_ = false;
  let_in_ = 0;
  heard_count_.reset();
  heard_peak_ = 0;
  acknowledged_.clear();
  judged_ = {};
  epoch_ = confirmed_ = {};
  join_ring(incarnation);
  connect_charon();
  tell_links();
  tick(incarnation);
  report_used(incarnation);
  report_windows(incarnation);
  ask_refused(incarnation);
}  // NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks): process_ owns it

void Machine::kill_hasyncd() {
  if (!process_) return;
  world_.tell(id_, "hasyncd is gone");
  const Incarnation incarnation = process_->incarnation;
  world_.checker.died({id_, incarnation});
  process_.reset();
  ++session_;
  world_.ring->leave(id_, incarnation);
}

void Machine::pause_hasyncd() {
  if (!process_ || process_->stopped) return;
  world_.tell(id_, "SIGSTOP hasyncd");
  process_->stopped = true;
}

void Machine::resume_hasyncd() {
  if (!process_ || !process_->stopped) return;
  world_.tell(id_, "SIGCONT hasyncd");
  process_->stopped = false;
  if (!frozen_) drain();
}

void Machine::freeze() {
  if (!powered_ || frozen_) return;
  world_.tell(id_, "THE MACHINE STANDS STILL");
  frozen_ = true;
  frozen_since_ = world_.schedule.now();
}

// Of two pauses at once the first to end ends both: no clock stands still for longer than its machine.
void Machine::thaw(Duration clock_stood_still) {
  if (!std::exchange(frozen_, false)) return;
  clock_stood_still = std::min(clock_stood_still, world_.schedule.now() - frozen_since_);
  world_.tell(id_, "the machine goes on, its clock stood still for " +
                       std::to_string(clock_stood_still / milliseconds{1}) + " ms");
  offset_ -= clock_stood_still;
  lost_time_ = lost_time_ || clock_stood_still > Duration{};
  beside_ = beside_ || (clock_stood_still > Duration{} && holds_address_);
  if (clock_stood_still > Duration{}) excused_until_ = world_.schedule.now() + fence() + milliseconds{1};
  for (const auto& what : std::exchange(after_thaw_, {})) what();
  if (runs()) drain();
}

// To everybody else its waits are too short: I2 is not promised until a fence that began before has run out.
void Machine::step_clock(Duration by) {
  world_.tell(id_, "the clock jumps " + std::to_string(by / milliseconds{1}) + " ms ahead");
  offset_ += by;
  excused_until_ = std::max(excused_until_, world_.schedule.now() + fence() + milliseconds{1});
}

// Something that this machine itself does later.
void Machine::later(Duration wait, std::function<void()> what) {
  later_at(world_.schedule.now() + wait, std::move(what));
}

void Machine::later_at(Instant when, std::function<void()> what) {
  world_.schedule.at(when, [this, boot = boots_, what = std::move(what)] {
    if (boot != boots_ || !powered_) return;
    if (frozen_) {
      after_thaw_.push_back(what);
    } else {
      what();
    }
  });
}

// What has arrived meanwhile is read in the order of each socket, the sockets in any.
void Machine::drain() {
  const Incarnation incarnation = process_->incarnation;
  const auto tick_first = world_.random.percent(50);
  const Call tick_now = [](hasyncd::Node& node, Instant now) { return node.on_tick(now); };
  if (tick_first) run(tick_now);
  while (process_ && process_->incarnation == incarnation) {
    std::vector<From> waiting;
    for (const From from : {From::Ring, From::Network, From::Charon}) {
      if (!process_->queue(from).empty()) waiting.push_back(from);
    }
    if (waiting.empty()) break;
    auto& queue = process_->queue(world_.random.pick(waiting));
    const Call call = std::move(queue.front());
    queue.pop_front();
    run(call);
  }
  if (!tick_first && process_) run(tick_now);
}

void Machine::stop_hasyncd() {
  if (!process_) return;
  world_.tell(id_, "SIGTERM hasyncd");
  post(From::Charon, [](hasyncd::Node& node, Instant now) { return node.stop(now); });
}

void Machine::move(NodeId to) {
  post(From::Charon, [this, to](hasyncd::Node& node, Instant now) {
    auto actions = node.move(to, now);
    world_.tell(id_,
                "move to node " + std::to_string(to.value) + (actions ? "" : ": " + actions.error().what));
    return actions ? std::move(actions).value() : hasyncd::Actions{};
  });
}

void Machine::take_alone() {
  post(From::Charon, [this](hasyncd::Node& node, Instant now) {
    auto actions = node.take_alone(now);
    world_.tell(id_,
                "the operator says that the other is off" + (actions ? "" : ": " + actions.error().what));
    if (actions) world_.checker.may_begin_empty();
    return actions ? std::move(actions).value() : hasyncd::Actions{};
  });
}

void Machine::set_links(bool up) {
  if (!gateway_ || std::exchange(links_up_, up) == up) return;
  world_.tell(id_, up ? "links are up" : "links are down");
  tell_links();
}

void Machine::tell_links() {
  post(From::Charon, [up = links_up_](hasyncd::Node& node, Instant now) {
    return node.on_links(up ? std::vector<std::string>{} : std::vector<std::string>{"wan"}, now);
  });
}

void Machine::join_ring(Incarnation process) {
  if (!process_ || process_->incarnation != process) return;
  if (!world_.ring->is_up(id_)) {
    world_.schedule.after(milliseconds{20}, [this, process] { join_ring(process); });
    return;
  }
  world_.ring->join(id_, process);
}

void Machine::on_view(const std::vector<NodeId>& nodes) {
  std::string text = "view";
  for (const NodeId node : nodes) text += " " + std::to_string(node.value);
  world_.tell(id_, text);
  post(From::Ring, [nodes](hasyncd::Node& node, Instant now) { return node.on_view(nodes, now); });
}

void Machine::on_ring(NodeId from, std::shared_ptr<const hasyncd::RingMessage> message) {
  if (garbled_ > 0 && from != id_ && world_.random.percent(garbled_)) {
    return world_.tell(id_, "does not get a message of node " + std::to_string(from.value));
  }
  post(From::Ring, [this, from, message = std::move(message)](hasyncd::Node& node, Instant now) {
    if (world_.sabotage) world_.sabotage->delivered(*this, from, *message);
    return node.on_ring(from, *message, now);
  });
}

void Machine::on_ring_lost() {
  post(From::Ring, [](hasyncd::Node& node, Instant now) { return node.on_ring_lost(now); });
  if (process_) {
    world_.schedule.after(milliseconds{20}, [this, process = process_->incarnation] { join_ring(process); });
  }
}

void Machine::rejoin_ring() {
  world_.ring->leave(id_, process_->incarnation);
  on_ring_lost();
}

void Machine::on_quorate(bool quorate) {
  post(From::Ring, [quorate](hasyncd::Node& node, Instant now) { return node.on_quorate(quorate, now); });
}

void Machine::on_heartbeat(std::shared_ptr<const hasyncd::Heartbeat> heartbeat) {
  if (!process_) return;
  if (runs() && heartbeat->counted_ns != 0) lost_time_ = false;
  for (const hasyncd::Ack& ack : heartbeat->acks) honoured(heartbeat->from, ack);
  for (const hasyncd::Mark& mark : heartbeat->heard) {
    if (mark.honours_ns != 0) honoured(mark.of, {heartbeat->owner, mark.honours_ns});
  }
  post(From::Network, [this, heartbeat = std::move(heartbeat)](hasyncd::Node& node, Instant now) {
    learn_rate(*heartbeat);
    if (!world_.sabotage) return node.on_heartbeat(*heartbeat, now);
    hasyncd::Heartbeat altered = *heartbeat;
    world_.sabotage->hears(*this, altered);
    return node.on_heartbeat(altered, now);
  });
}

void Machine::is_told(const hasyncd::Heartbeat& heartbeat) {
  hasyncd::Actions actions = process_->node->on_heartbeat(heartbeat, clock());
  for (hasyncd::Action& action : actions) perform(action);
}

// What the checker knows of permission, by itself; that `by` has really said so, it knows from `by`.
void Machine::honoured(const hasyncd::Process& by, const hasyncd::Ack& ack) {
  world_.checker.passed_on(by, ack);
  if (ack.of != hasyncd::Process{id_, process_->incarnation}) return;
  Instant& newest = acknowledged_[by.node];
  const Instant sent_at{static_cast<Instant::rep>(ack.sent_ns)};
  if (sent_at <= newest) return;
  newest = sent_at;
  std::vector<Instant> sent;
  for (const auto& [node, time] : acknowledged_) sent.push_back(time);
  std::ranges::sort(sent, std::greater{});
  const std::size_t others = world_.settings.configured.size() / 2;
  if (sent.size() >= others) allowed_ = std::max(allowed_, sent[others - 1] + world_.settings.fence.fence);
}

// What came earlier and has not been read is read first.
void Machine::post(From from, Call call) {
  if (!process_) return;
  auto& queue = process_->queue(from);
  if (runs() && queue.empty()) {
    run(call);
    return;
  }
  if (from != From::Network || queue.size() < 50) queue.push_back(std::move(call));
}

void Machine::run(const Call& call) {
  hasyncd::Node& node = *process_->node;
  const hasyncd::Role before = node.role();
  // Of two nodes an owner needs nobody: it is silent when its hasyncd is.
  if (world_.of_two()) allowed_ = clock() + fence();
  hasyncd::Actions actions = call(node, clock());
  for (hasyncd::Action& action : actions) perform(action);
  state_bound();
  if (world_.sabotage) world_.sabotage->then(*this);
  judge(before);
  if (process_->finished) {
    kernel_.close_fence();
    holds_address_ = beside_ = false;
    kill_hasyncd();
    world_.schedule.after(world_.some(milliseconds{50}, milliseconds{500}), [this] { start_hasyncd(); });
  }
  if (std::exchange(read_wanted_, false) && process_) read_windows();
  if (std::exchange(rejoin_wanted_, false) && process_) rejoin_ring();
}

void Machine::perform(hasyncd::Action& action) {
  if (!world_.sabotage || world_.sabotage->does(*this, action)) carry_out(action);
}

void Machine::judge(hasyncd::Role before) {
  const hasyncd::Node& node = *process_->node;
  const auto& epoch = node.agreement().current();
  if (epoch && std::exchange(epoch_, epoch->epoch) != epoch->epoch) world_.checker.installed(*epoch);
  if (epoch && node.replica().current()) world_.checker.goes_on(id_, epoch->epoch);
  if (node.agreement().confirmed() && std::exchange(confirmed_, epoch->epoch) != epoch->epoch) {
    world_.checker.confirmed({id_, process_->incarnation}, epoch->epoch);
  }
  if (node.role() != hasyncd::Role::Owner || excused()) return;
  if (before != hasyncd::Role::Owner) world_.checker.became_owner(id_, node.replica());
  const hasyncd::StateMark mark = node.replica().mark();
  if (node.stability().stable() < mark.index) return;
  if (std::exchange(judged_, {mark.epoch, mark.index}) == std::pair{mark.epoch, mark.index}) return;
  world_.checker.stable(id_, node.replica());
}

void Machine::tick(Incarnation process) {
  if (!process_ || process_->incarnation != process) return;
  world_.schedule.after(world_.settings.heartbeat + world_.some(microseconds{0}, microseconds{500}),
                        [this, process] { tick(process); });
  if (runs()) run([](hasyncd::Node& node, Instant now) { return node.on_tick(now); });
}

// The highest number of each SA, whether it left or not.
void Machine::report_used(Incarnation process) {
  if (!process_ || process_->incarnation != process || !gateway_) return;
  world_.schedule.after(milliseconds{20}, [this, process] { report_used(process); });
  std::vector<hasyncd::OutboundUse> uses;
  for (const auto& [key, sa] : kernel_.sas()) uses.push_back({key, sa.used, kernel_.left(key), sa.used});
  if (runs() && !world_.random.percent(10)) {  // it is late
    run([this, &uses](hasyncd::Node& node, Instant now) {
      count(node, now);
      return node.on_used(uses, now);
    });
  }
}

void Machine::ask_refused(Incarnation process) {
  if (!process_ || process_->incarnation != process || !gateway_) return;
  world_.schedule.after(milliseconds{400}, [this, process] { ask_refused(process); });
  if (runs()) run([](hasyncd::Node& node, Instant now) { return node.ask_refused(now); });
}

void Machine::traffic(double percent) {
  if (kernel_.sas().empty() || frozen_) return;
  const double chance = holds_address_ ? percent : percent / 200;
  for (const auto& [key, sa] : kernel_.sas()) {
    if (!world_.random.percent(chance)) continue;
    use_number(key);
  }
}

void Machine::use_number(const OutboundKey& key) {
  const std::uint32_t key_id = kernel_.sas().at(key).key_id;
  const std::uint64_t number = kernel_.encrypt(key);
  if (world_.random.percent(2)) {  // lingers in a queue between encryption and the gate
    later(world_.some(microseconds{20}, milliseconds{30}),
          [this, key, key_id, number] { try_to_leave(key, key_id, number); });
  } else {
    try_to_leave(key, key_id, number);
  }
}

void Machine::report_windows(Incarnation process) {
  if (!process_ || process_->incarnation != process || !gateway_) return;
  world_.schedule.after(world_.some(milliseconds{50}, milliseconds{150}),
                        [this, process] { report_windows(process); });
  if (runs() && process_->node->role() == hasyncd::Role::Owner) read_windows();
}

void Machine::read_windows() {
  std::vector<hasyncd::InboundTop> tops;
  for (const auto& [spi, sa] : kernel_.inbound()) tops.push_back({{kVip, spi}, sa.window.top()});
  run([this, &tops](hasyncd::Node& node, Instant now) {
    count(node, now);
    return node.on_windows(tops, let_in_, now);
  });
}

void Machine::count(hasyncd::Node& node, Instant now) {
  world_.counts[{{id_, process_->incarnation}, static_cast<std::uint64_t>(now.count())}] = {
      world_.schedule.now(), world_.let_in};
  node.on_let_in({let_in_, now, now});
}

void Machine::learn_rate(const hasyncd::Heartbeat& heartbeat) {
  heard_peak_ = std::max(heard_peak_, heartbeat.peak);
  if (heartbeat.counted_ns == 0) return;
  const auto counted = world_.counts.find({heartbeat.from, heartbeat.counted_ns});
  if (counted == world_.counts.end()) return;
  if (!heard_count_ || heard_count_->at < counted->second.at) heard_count_ = counted->second;
}

// What docs/decisions/0009-replay-marks.md excludes: more came after the newest count that this node has
// heard than the highest rate that it has heard of brings in that time. By what really came, not by what any
// node makes of it.
bool Machine::rate_rose() const {
  if (!heard_count_) return false;
  const Duration time = world_.schedule.now() - heard_count_->at + fence() + milliseconds{100};
  const double expected = static_cast<double>(heard_peak_) * std::chrono::duration<double>(time).count();
  return static_cast<double>(world_.let_in - heard_count_->let_in) > expected;
}

void Machine::raise_windows(const hasyncd::RaiseWindows& raise, bool filled) {
  for (const hasyncd::InboundTop& top : raise.tops) kernel_.raise(top.key.spi, top.top, filled);
}

// What this node says of its present reign.
void Machine::state_bound() {
  if (!process_ || process_->node->role() != hasyncd::Role::Owner) return;
  stated_ = process_->node->replay_bound(clock());
  if (most_) most_ = stated_ ? std::optional{std::max(*most_, *stated_)} : std::nullopt;
}

void Machine::arrivals(double percent) {
  if (world_.holder != id_ || !powered_) return;
  for (const auto& [spi, sa] : kernel_.inbound()) {
    if (!sa.vpe && world_.random.percent(percent)) arrives(spi, ++world_.sent[sa.key_id]);
  }
  vpe_arrivals(percent);
}

// What owners have accepted once, in the order that lets the most of it in.
void Machine::attack() {
  if (world_.holder != id_ || !powered_) return;
  state_bound();
  for (const auto& [spi, sa] : kernel_.inbound()) {
    const std::uint64_t top = sa.window.top();
    const std::uint64_t last = world_.sent[sa.key_id];
    for (std::uint64_t n = top > Window::kSize ? top - Window::kSize : 1; n <= last; ++n) {
      if (world_.checker.was_accepted(sa.key_id, n)) arrives(spi, n);
    }
  }
  vpe_attack();
}

void Machine::arrives(EspSpi spi, std::uint64_t number) {
  if (frozen_ || !kernel_.open(clock())) return;
  ++let_in_;
  ++world_.let_in;
  Kernel::InboundSa& sa = kernel_.inbound().at(spi);
  if (!sa.window.accept(number)) return;
  const bool excused_now = excused() || lost_time_ || rate_rose_ || leftovers_.contains(spi);
  world_.checker.accepted({id_, sa.key_id, number, reign_, stated_, most_, excused_now});
}

void Machine::try_to_leave(const OutboundKey& key, std::uint32_t key_id, std::uint64_t number) {
  if (!kernel_.open(clock()) || !kernel_.within_limits(key, number)) return;
  if (!kernel_.takes(key, number) && !(world_.sabotage && world_.sabotage->gate_lets_repeats())) return;
  world_.checker.left({id_, key_id, number, reign_, clock(), allowed_, excused()});
}

void Machine::send(const hasyncd::Heartbeat& heartbeat) {
  heard_peak_ = std::max(heard_peak_, heartbeat.peak);
  for (const hasyncd::Ack& ack : heartbeat.acks) world_.checker.honours(heartbeat.from, ack);
  world_.heartbeat(id_, heartbeat);
}

void Machine::set_deadline(Instant until) {
  const std::pair now{process_->incarnation, process_->node->counted().moves};
  if (std::exchange(reign_of_, now) != now) {
    reign_ = ++world_.reigns;
    most_ = stated_ = process_->node->replay_bound(clock());
    rate_rose_ = rate_rose();
    leftovers_.clear();
    for (const auto& [spi, sa] : kernel_.inbound()) {
      if (!process_->node->replica().newest_of(spi)) leftovers_.insert(spi);
    }
  }
  kernel_.set_deadline(until);
}

// As the data plane does it (hasyncd/data_plane.h): NEWAE is absolute, and between reading the counter and
// setting it some packets may take numbers.
void Machine::set_numbers(const hasyncd::SetNumbers& set) {
  for (const hasyncd::OutboundNumber& number : set.numbers) {
    const auto sa = kernel_.sas().find(number.key);
    if (sa == kernel_.sas().end() || sa->second.used + kMeanwhile > number.used) continue;
    if (world_.random.percent(20)) {
      for (std::size_t left = world_.random.below(kMeanwhile); left > 0; --left) use_number(number.key);
    }
    kernel_.set_number(number);
    world_.tell(id_,
                [&] { return "number " + to_string(number.key) + " is " + std::to_string(number.used); });
  }
}

// For an SA that is about to be installed anew: likewise read now, set later.
void Machine::keep_ahead(std::vector<hasyncd::OutboundNumber>& numbers) const {
  for (hasyncd::OutboundNumber& number : numbers) {
    const auto sa = kernel_.sas().find(number.key);
    if (sa != kernel_.sas().end() && sa->second.used > number.used)
      number.used = sa->second.used + kMeanwhile;
  }
}

void Machine::hold_address() {
  holds_address_ = true;
  world_.holder = id_;
  world_.tell(id_, "HOLDS THE ADDRESS");
  if (world_.random.percent(70)) attack();
}

void Machine::noted(const hasyncd::Note& note) {
  world_.tell(id_, [&] { return note.id + ": " + note.text; });
  if (note.id == "taken-from-silence") world_.checker.may_begin_empty();
}

void Machine::carry_out(const hasyncd::Action& action) {
  struct Executor {
    Machine& m;
    void operator()(const hasyncd::SendRing& send) {
      m.world_.ring->multicast(m.id_, std::make_shared<const hasyncd::RingMessage>(send.message));
    }
    void operator()(const hasyncd::SendHeartbeat& send) { m.send(send.heartbeat); }
    void operator()(const hasyncd::Persist& disk) { m.disk_ = {disk.promised, disk.confirmed, false}; }
    void operator()(const hasyncd::SetDeadline& deadline) { m.set_deadline(deadline.until); }
    void operator()(const hasyncd::CloseFence&) { m.kernel_.close_fence(); }
    void operator()(const hasyncd::HoldAddress&) { m.hold_address(); }
    void operator()(const hasyncd::Announce&) {}
    void operator()(const hasyncd::DropAddress&) {
      m.holds_address_ = m.beside_ = false;
      m.world_.tell(m.id_, "drops the address");
    }
    void operator()(const hasyncd::SetGate& gate) {
      m.kernel_.set_gate(gate.limits);
      for (const auto& limits : gate.limits) m.world_.tell(m.id_, [&] { return text_of(limits); });
    }
    void operator()(const hasyncd::ForgetGate& gate) { m.kernel_.forget(gate.keys); }
    void operator()(const hasyncd::SetNumbers& set) { m.set_numbers(set); }
    void operator()(const hasyncd::ReadWindows&) { m.read_wanted_ = true; }
    void operator()(const hasyncd::RaiseWindows& raise) { m.raise_windows(raise, true); }
    void operator()(hasyncd::PutContext put) {
      m.keep_ahead(put.numbers);
      m.to_charon([this_machine = &m, put, windows = m.windows_of(put)] { this_machine->put(put, windows); });
    }
    void operator()(const hasyncd::SetActive& set) {
      m.to_charon([this_machine = &m, set] { this_machine->set_active(set); });
    }
    void operator()(const hasyncd::ReleaseContexts& release) {
      m.to_charon([this_machine = &m, release] {
        for (const SaId sa : release.sas) this_machine->release(sa);
      });
    }
    void operator()(const hasyncd::CommitOutput& commit) {
      m.to_charon([this_machine = &m, commit, lineage = m.lineage()] {
        this_machine->commit(commit.report, lineage);
      });
    }
    void operator()(const hasyncd::DiscardOutput& d) {
      m.to_charon([this_machine = &m, d] { this_machine->discard_output(d.first, d.last); });
    }
    void operator()(const hasyncd::RekeyChild& rekey) {
      m.to_charon([this_machine = &m, sa = rekey.sa] { this_machine->asked_to_rekey(sa); });
    }
    void operator()(const hasyncd::GiveVpe& give) {
      m.to_charon([this_machine = &m, give] { this_machine->give(give); });
    }
    void operator()(const hasyncd::AskFresh& ask) { m.ask_fresh(ask); }
    void operator()(const hasyncd::Rejoin&) { m.rejoin_wanted_ = true; }
    void operator()(const hasyncd::Note& note) { m.noted(note); }
    void operator()(const hasyncd::Finished&) { m.process_->finished = true; }
  };
  std::visit(Executor{*this}, action);
}

}  // namespace hasync::sim
