// Daemon: the composition root. Makes the adapters, turns what they say into events of the Node, and carries
// out the Node's actions in their order. Decides nothing itself; see node/node.h for the decisions.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "hasyncd/adapters/clock.h"
#include "hasyncd/adapters/service_notifier.h"
#include "hasyncd/adapters/state_store.h"
#include "hasyncd/adapters/ticker.h"
#include "hasyncd/charon_link.h"
#include "hasyncd/clock_steps.h"
#include "hasyncd/config.h"
#include "hasyncd/data_plane.h"
#include "hasyncd/inquirer.h"
#include "hasyncd/node/node.h"
#include "hasyncd/ring_link.h"
#include "hasyncd/ring_settings.h"
#include "hasyncd/stable_times.h"
#include "hasyncd/surroundings.h"
#include "hasyncd/takeovers.h"

namespace hasync::hasyncd {

class Daemon {
 public:
  static Result<std::unique_ptr<Daemon>> create(boost::asio::io_context& io, Config config, Log& log);
  void start();
  void stop();  // hands over what it owns, then ends the loop; at the latest after two seconds
  bool failed() const { return failed_; }

  const Config& config() const { return config_; }
  const Node& node() const { return *node_; }
  Status move(NodeId to);
  Status take_alone();
  Status fail_over();  // to whichever gateway is ready
  std::optional<clusterip::GateCounters> gate_counters() const;
  std::optional<DataPlane::NumberFailures> number_failures() const;
  std::optional<std::uint64_t> bypasses() const;  // SAs whose gate stays closed, so far
  DataPlane::Bypassed bypassed() const;           // now
  std::vector<OutboundNumber> left() const;
  std::uint64_t left(const OutboundKey& key) const;  // 0: nothing, or not known here
  Status reload_keys();
  // Another configuration, which differs in live keys only (config_change.h).
  Status fits(const Config& config) const;  // the ring, as far as that is known
  void look_around();                       // at what no packet depends on now
  void use(Config config) { config_ = std::move(config); }
  const KeyChoice& keys() const { return ring_->keys(); }
  std::map<std::uint32_t, std::size_t> contexts_by_key() const;  // how many of the log are sealed with which
  const LinkCounters& link_counters() const { return ring_->counters(); }
  const std::vector<Stranger>& strangers() const { return ring_->strangers(); }
  const auto& newer() const { return ring_->newer(); }
  const CharonLink* charon() const { return charon_.get(); }
  Status check_gate() const { return plane_ ? plane_->check_gate() : Status{Done{}}; }
  const ClockSteps& clock_steps() const { return clock_steps_; }
  Inquirer& inquirer() { return *inquirer_; }
  const Inquirer& inquirer() const { return *inquirer_; }
  const Histogram& stable_times() const { return stable_times_.times(); }
  const Takeovers::Counts& takeovers() const { return takeovers_.counts(); }
  Instant started() const { return started_; }
  const std::optional<RingSettings>& ring_settings() const {
    return ring_settings_;
  }  // once corosync answers

 private:
  Daemon(boost::asio::io_context& io, Config config, StateStore store, Log& log);
  Status make(const KeySet& keys);
  std::unique_ptr<CharonLink> make_charon(const KeySet& keys);
  void follow(const ContextTrace& trace);
  RingLink::Callbacks ring_callbacks();
  void check_ring_settings();
  void heard(NodeId from, const RingMessage& message);
  void tick(Instant at);
  std::unique_ptr<Inquirer> make_inquirer();
  void renew_seals();
  void watch_clock();
  void follow_windows(Instant at);
  void read_windows();
  void raise_windows(SaId sa);
  void watch_gate();
  void watch_links();
  void run(Actions actions);
  void watch(bool moved);
  void say(const RingMessage& message);
  void carry_out(const Action& action);
  void fatal(const std::string& id, const Error& error);
  void report(const std::string& id, const Status& status);
  void tell_bypasses();

  boost::asio::io_context& io_;
  Config config_;
  Log& log_;
  StateStore store_;
  std::unique_ptr<Node> node_;
  std::unique_ptr<DataPlane> plane_;  // gateways only
  std::unique_ptr<RingLink> ring_;
  std::unique_ptr<CharonLink> charon_;  // gateways only
  std::unique_ptr<Inquirer> inquirer_;
  std::unique_ptr<Ticker> ticker_;
  std::unique_ptr<FdWatch> gate_watch_;
  std::unique_ptr<FdWatch> link_watch_;
  boost::asio::steady_timer give_up_;
  Actions queue_;  // not carried out yet: an effect may itself be an event
  bool running_ = false;
  std::optional<RingSettings> ring_settings_;
  bool windows_unread_ = false;  // the last time
  unsigned ticks_ = 0;
  bool failed_ = false;
  Clocks clocks_;
  ClockSteps clock_steps_;
  Surroundings surroundings_;
  StableTimes stable_times_;
  Takeovers takeovers_;
  Instant started_;
  ServiceNotifier notifier_;
  std::optional<std::chrono::microseconds> watchdog_ = ServiceNotifier::watchdog_interval();
  Instant alive_due_{};
  Instant look_due_{};
};

}  // namespace hasync::hasyncd
