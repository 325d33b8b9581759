// One simulated machine: a clock of its own, a disk, a kernel, charon, corosync's client side, and hasyncd's
// Node in a process that can be started, killed and stopped. Carries the Node's actions out.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "tests/sim/fake_vped.h"
#include "tests/sim/world.h"

namespace hasync::sim {

class Machine {
 public:
  Machine(World& world, NodeId id, bool gateway);

  NodeId id() const { return id_; }
  bool gateway() const { return gateway_; }
  Instant clock() const;

  void power_on();
  void power_off();
  bool powered() const { return powered_; }
  void start_hasyncd();
  void kill_hasyncd();
  void pause_hasyncd();  // SIGSTOP
  void resume_hasyncd();
  void stop_hasyncd();  // SIGTERM; comes back by itself
  // The whole machine stands still, as a virtual one does; its clock stands still for so much of it.
  void freeze();
  void thaw(Duration clock_stood_still);
  void slow_charon(Duration most) { charon_takes_ = most; }
  // Of the ring's messages so many in a hundred make no sense to this process.
  void garble(double percent) { garbled_ = percent; }
  // Its clock jumps ahead.
  void step_clock(Duration by);
  void move(NodeId to);
  void take_alone();
  void set_links(bool up);
  void kill_charon();
  void start_charon();
  void start_vped();  // anew
  bool sends_vpe(std::uint32_t key_id) const;
  std::uint64_t vped_session() const { return vped_.session; }

  // From outside, for the process if there is one.
  void on_view(const std::vector<NodeId>& nodes);
  void on_ring(NodeId from, std::shared_ptr<const hasyncd::RingMessage> message);
  void on_ring_lost();
  void on_quorate(bool quorate);
  void on_heartbeat(std::shared_ptr<const hasyncd::Heartbeat> heartbeat);

  const hasyncd::Node* node() const { return process_ ? process_->node.get() : nullptr; }
  hasyncd::Process process() const { return {id_, process_->incarnation}; }
  Duration fence() const { return world_.settings.fence.fence; }
  bool fence_open() const { return !frozen_ && kernel_.open(clock()); }
  // After a resume with a clock that stood still, until this is over, I2 is not promised.
  bool excused() const { return world_.schedule.now() < excused_until_; }
  bool of_two() const { return world_.of_two(); }
  bool charon_up() const { return charon_up_; }
  // It has not carried out yet what it was asked.
  bool charon_is_behind() const { return next_command_ > world_.schedule.now(); }
  bool holds_address() const { return holds_address_; }
  struct Held {
    IkeSa sa;
    bool active = false;
    std::optional<SaId> replaces = std::nullopt;
  };
  const std::map<SaId, Held>& held() const { return held_; }
  void carry_out(const hasyncd::Action& action);
  void retired(EspSpi inbound, std::uint64_t reception);  // its vped takes nothing old any more
  // Peers are told what charon has reported up to here; it was stable in this lineage.
  void commit(std::uint64_t report, Epoch lineage);
  Epoch lineage() const { return world_.checker.lineage_of(id_); }
  // Sabotage: counters set to whatever is asked; a heartbeat that nobody has sent.
  void rewind(const hasyncd::SetNumbers& set) {
    for (const auto& number : set.numbers) kernel_.set_number(number);
  }
  void raise_windows(const hasyncd::RaiseWindows& raise, bool filled);
  void is_told(const hasyncd::Heartbeat& heartbeat);

  // Each SA sends a packet with this chance; says what left to the checker.
  void traffic(double percent);
  // Peers send packets to whoever holds the address; somebody sends what he has recorded once more.
  void arrivals(double percent);
  void attack();
  // Something happens between charon and its peers, if they can reach it.
  void ike_event();

 private:
  enum class From { Ring, Network, Charon };
  using Call = std::function<hasyncd::Actions(hasyncd::Node&, Instant)>;
  struct Running {
    Incarnation incarnation;
    std::unique_ptr<hasyncd::Node> node;
    bool stopped = false;  // SIGSTOP
    bool finished = false;
    std::uint64_t session = 0;  // with charon, as far as this process knows
    std::deque<Call> from_ring;
    std::deque<Call> from_network;
    std::deque<Call> from_charon;
    std::deque<Call>& queue(From from);
  };

  void honoured(const hasyncd::Process& by, const hasyncd::Ack& ack);
  void tell_links();
  bool runs() const { return process_ && !process_->stopped && !frozen_; }
  void later(Duration wait, std::function<void()> what);
  void later_at(Instant when, std::function<void()> what);
  void drain();
  void post(From from, Call call);
  void run(const Call& call);
  void perform(hasyncd::Action& action);
  void noted(const hasyncd::Note& note);
  void use_number(const OutboundKey& key);
  void set_numbers(const hasyncd::SetNumbers& set);
  void keep_ahead(std::vector<hasyncd::OutboundNumber>& numbers) const;
  void try_to_leave(const OutboundKey& key, std::uint32_t key_id, std::uint64_t number);
  void judge(hasyncd::Role before);
  void tick(Incarnation process);
  void report_used(Incarnation process);
  void report_windows(Incarnation process);
  void ask_refused(Incarnation process);
  void read_windows();
  void count(hasyncd::Node& node, Instant now);
  void learn_rate(const hasyncd::Heartbeat& heartbeat);
  bool rate_rose() const;
  void arrives(EspSpi spi, std::uint64_t number);
  void state_bound();
  void join_ring(Incarnation process);
  void rejoin_ring();

  void set_deadline(Instant until);
  void hold_address();
  void send(const hasyncd::Heartbeat& heartbeat);
  void connect_charon();
  void to_charon(std::function<void()> command);
  void to_hasyncd(Call report);
  void changed(const Held& held);
  void report(const Held& held);
  void report_gone(const IkeSa& sa);
  std::uint64_t note_report(const IkeSa& sa, bool ended);
  void discard_output(SaId sa);
  void discard_output(std::uint64_t first, std::uint64_t last);
  using Tops = std::map<EspSpi, std::uint64_t>;
  bool conflicts(const IkeSa& sa) const;
  Tops windows_of(const hasyncd::PutContext& context);
  void put(const hasyncd::PutContext& context, const Tops& windows);
  void set_active(const hasyncd::SetActive& set);
  void release(SaId sa);
  void connect_vped();
  void tell_vped();
  void give(const hasyncd::GiveVpe& give);
  std::vector<Child> vpe_children() const;
  void vpe_arrivals(double percent);
  void vpe_attack();
  void vpe_arrives(EspSpi spi, const VpePacket& packet);
  void ask_fresh(const hasyncd::AskFresh& ask);
  void peer_is_asked(SaId sa, EspSpi inbound, std::uint64_t reception);
  void retire(std::uint32_t key_id, EspSpi inbound, std::uint8_t below, std::uint64_t reception);
  void add(const OutboundKey& key, const Child& child, std::uint64_t used);
  void remove_from_kernel(const IkeSa& sa);
  void remove_late(EspSpi spi);
  void forget(const Child& child);
  Child new_child();
  void establish();
  void rekey_child(Held& held);
  void asked_to_rekey(SaId sa);
  void rekey_ike(Held& held);
  void move_peer(Held& held);
  void drop(Held& held);

  void exchange(IkeSa& sa);
  void peer_asks(IkeSa& sa);
  void say(SaId sa, const Messages& messages);
  void say_answer(SaId sa, const Messages& messages);
  void say_request(SaId sa, const Messages& messages);
  void repeat_messages();

  World& world_;
  NodeId id_;
  bool gateway_;
  Duration offset_;
  std::int64_t drift_ppm_;
  bool powered_ = false;
  std::uint64_t boots_ = 0;
  bool frozen_ = false;
  std::vector<std::function<void()>> after_thaw_;
  Instant excused_until_{}, frozen_since_{};
  Duration charon_takes_ = std::chrono::milliseconds{3};
  double garbled_ = 0;

  struct Disk {
    Epoch promised;
    Epoch confirmed;
    bool blank = true;
  } disk_;
  Kernel kernel_;
  bool holds_address_ = false;
  bool beside_ = false;  // has held it since its clock stood still: somebody else may own
  std::uint64_t reign_ = 0;
  std::pair<Incarnation, std::uint64_t> reign_of_{};
  std::map<NodeId, Instant> acknowledged_;  // by this process's heartbeats
  Instant allowed_{};
  std::uint64_t let_in_ = 0;  // by the kernel's programs, since hasyncd has loaded them
  // Events that an effect has brought about: they come when all effects of the one before are there.
  bool read_wanted_ = false, rejoin_wanted_ = false;
  std::optional<std::uint64_t> stated_ = 0;  // what could be accepted again, and the most of this reign
  std::optional<std::uint64_t> most_ = 0;
  // Had ended by the log when this reign began: a copy's charon takes its time to remove them.
  std::set<EspSpi> leftovers_;
  // The newest count that it has heard, and the highest rate. I5 is not promised where more came after that.
  std::optional<Count> heard_count_;
  std::uint64_t heard_peak_ = 0;
  bool rate_rose_ = false;
  bool lost_time_ = false;  // its clock stood still, and it has heard no owner since: I5 is not promised

  std::optional<Running> process_;
  bool links_up_ = true;
  bool charon_up_ = false;
  bool connected_ = false;     // this session has begun
  std::uint64_t session_ = 0;  // between hasyncd and charon; every break makes a new one
  Instant next_command_{};
  Instant next_report_{};
  std::map<SaId, Held> held_;
  FakeVped vped_;
  std::uint64_t vped_told_ = 0;  // session that hasyncd has heard of
  std::set<SaId> unanswered_;
  struct Told {  // what a peer is told when the report is committed
    SaId sa;
    std::uint64_t change = 0;
    bool ended = false;
    Messages messages;
  };
  std::map<std::uint64_t, Told> reports_;  // not committed yet
  std::uint64_t last_report_ = 0;
  // Changed, and not known to be stable: nothing of it leaves. The newest report of it; 0: none yet.
  std::map<SaId, std::uint64_t> marked_;
  Epoch epoch_;      // of this process, newest that was looked at
  Epoch confirmed_;  // likewise
  std::pair<Epoch, std::uint64_t> judged_{};
};

}  // namespace hasync::sim
