#include "hasyncd/daemon.h"

#include <openssl/rand.h>

#include <concepts>

#include "base/overloaded.h"
#include "hasyncd/adapters/key_file.h"
#include "hasyncd/adapters/ring_settings_reader.h"
#include "hasyncd/adapters/surroundings_reader.h"
#include "hasyncd/node/unready.h"

namespace hasync::hasyncd {

namespace {

constexpr unsigned kTicksPerUse = 5;               // how often the gate is asked what has left
constexpr unsigned kTicksPerSeal = 100;            // how often contexts under an older key are looked for
constexpr unsigned kTicksPerClock = 50;            // how often the wall clock is looked at
constexpr unsigned kTicksPerMarks = 500;           // how often marks of SAs that are gone are looked for
constexpr std::chrono::seconds kBetweenLooks{15};  // at what somebody may have put right, or spoilt

Incarnation random_incarnation() {
  std::uint64_t drawn = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&drawn), sizeof drawn);
  return Incarnation{drawn};
}

NodeSettings settings_of(const Config& config, bool blank) {
  NodeSettings out;
  out.self = {config.node, random_incarnation()};
  out.gateway = config.role == Config::Role::Gateway;
  out.blank = blank;
  for (const Config::Member& member : config.members) out.configured.push_back(member.id);
  out.fence = {config.fence, config.drift_ppm};
  out.heartbeat = config.heartbeat_interval;
  out.evict_after = config.evict_after;
  out.lease = config.lease_size;
  out.rekey_after_takeover = config.rekey_after_takeover;
  if (config.two_node == Config::TwoNode::Available) out.silence_says_dead = config.two_node_silence;
  return out;
}

}  // namespace

Daemon::Daemon(boost::asio::io_context& io, Config config, StateStore store, Log& log)
    : io_(io),
      config_(std::move(config)),
      log_(log),
      store_(std::move(store)),
      give_up_(io),
      takeovers_(config_.node),
      started_(now()) {}

Result<std::unique_ptr<Daemon>> Daemon::create(boost::asio::io_context& io, Config config, Log& log) {
  auto store = StateStore::open(config.state_dir);
  if (!store) return store.error();
  const auto keys = load_keys(config.key_file);
  if (!keys) return keys.error();
  std::unique_ptr<Daemon> daemon(new Daemon(io, std::move(config), *std::move(store), log));
  if (const Status made = daemon->make(*keys); !made) return made.error();
  return daemon;
}

Status Daemon::make(const KeySet& keys) {
  const StoredEpochs& epochs = store_.epochs();
  const NodeSettings settings = settings_of(config_, store_.blank());
  node_ = std::make_unique<Node>(settings, epochs.promised, epochs.confirmed);
  auto ring = RingLink::create(io_, config_, keys, settings.self.incarnation, ring_callbacks());
  if (!ring) return ring.error();
  ring_ = *std::move(ring);
  inquirer_ = make_inquirer();
  ticker_ = std::make_unique<Ticker>(io_, config_.heartbeat_interval,
                                     [this](Ticker::Clock::time_point) { tick(now()); });
  if (config_.role == Config::Role::Witness) return Done{};

  if (keys.newest().context.empty()) {
    return Error{Errc::Denied,
                 "key file " + config_.key_file.string() + " is a witness's; a gateway needs the whole key"};
  }
  auto plane = DataPlane::create(config_);
  if (!plane) return plane.error();
  plane_ = *std::move(plane);
  charon_ = make_charon(keys);
  return Done{};
}

RingLink::Callbacks Daemon::ring_callbacks() {
  return {.view =
              [this](const std::vector<NodeId>& nodes) {
                check_ring_settings();
                run(node_->on_view(nodes, now()));
              },
          .message = [this](NodeId from, const RingMessage& message) { heard(from, message); },
          .aside = [this](NodeId from, const Aside& aside) { inquirer_->heard(from, aside); },
          .heartbeat = [this](const Heartbeat& heartbeat) { run(node_->on_heartbeat(heartbeat, now())); },
          .quorate = [this](bool quorate) { run(node_->on_quorate(quorate, now())); },
          .lost = [this](const Error&) { run(node_->on_ring_lost(now())); },
          .refused =
              [this](const std::string& id, const Error& error) {
                log_.warning(id, {{"error", error.what}});
              }};
}

void Daemon::heard(NodeId from, const RingMessage& message) {
  const std::uint64_t before = node_->replica().mark().index;
  Actions actions = node_->on_ring(from, message, now());
  const std::uint64_t index = node_->replica().mark().index;
  if (from == config_.node && index == before + 1) stable_times_.delivered(message.number, index);
  const auto* entry = std::get_if<Entry>(&message.body);
  const auto* move = entry == nullptr ? nullptr : std::get_if<Move>(&entry->body);
  watch(move != nullptr && move->to == config_.node);
  run(std::move(actions));
}

std::unique_ptr<Inquirer> Daemon::make_inquirer() {
  return std::make_unique<Inquirer>(
      io_, ring_->self(),
      Inquirer::Ports{.send = [this](const std::variant<Ask, About>& aside) { return ring_->send(aside); },
                      .group =
                          [this] {
                            std::vector<NodeId> out;
                            for (const Config::Member& member : config_.members) {
                              if (node_->agreement().in_group(member.id)) out.push_back(member.id);
                            }
                            return out;
                          },
                      .charon =
                          [this](const Inquirer::Setup& told) {
                            if (charon_) return charon_->setup(told);
                            told(std::nullopt);
                          }});
}

// Corosync's own settings are known once it answers; with wrong ones this node takes no part.
void Daemon::check_ring_settings() {
  if (ring_settings_) return;
  const auto settings = read_ring_settings();
  if (!settings) return fatal("ring-unreadable", settings.error());
  ring_settings_ = *settings;
  const RingCheck check = check_ring(*settings, config_);
  for (const std::string& warning : check.warnings) log_.warning("ring-settings", {{"warning", warning}});
  for (const std::string& error : check.errors) log_.error("ring-settings", {{"error", error}});
  if (!check.errors.empty()) fatal("ring-refused", invalid("corosync is not configured as hasyncd needs it"));
  node_->leases_last(2 * standstill(config_, settings->times));
}

std::unique_ptr<CharonLink> Daemon::make_charon(const KeySet& keys) {
  return std::make_unique<CharonLink>(
      io_, config_, keys,
      CharonLink::Callbacks{
          .report = [this](ContextReport report) { run(node_->on_charon(std::move(report), now())); },
          .gone = [this](SaId sa, std::uint64_t number) { run(node_->on_charon_gone(sa, number, now())); },
          .synced = [this] { run(node_->on_charon_synced(now())); },
          .lost = [this] { run(node_->on_charon_lost(now())); },
          .vpe = [this](std::uint64_t session) { run(node_->on_vpe(session, now())); },
          .retired =
              [this](const std::vector<ctx::RetiredVpe>& done) {
                for (const ctx::RetiredVpe& one : done)
                  run(node_->on_retired(one.inbound_spi, one.reception, now()));
              },
          .put =
              [this](SaId sa, bool installed) {
                if (installed) raise_windows(sa);
                run(node_->on_put(sa, installed, now()));
              },
          .released = [this](const std::vector<SaId>& sas) { run(node_->on_released(sas, now())); },
          .note =
              [this](const std::string& id, const std::string& text) {
                log_.warning(id, {{"text", text}});
              },
          .trace = [this](const ContextTrace& trace) { follow(trace); },
          .sealing_key = [this] { return ring_->keys().sealing(); },
          .window = [this](const InboundKey& key, std::uint64_t top) { return node_->window(key, top); }});
}

void Daemon::follow(const ContextTrace& trace) {
  log_.debug(trace.put ? "context-put" : "context-reported", {{"sa", to_string(trace.sa)},
                                                              {"seal", trace.seal},
                                                              {"since_ns", std::to_string(trace.since_ns)},
                                                              {"at_ns", std::to_string(trace.at_ns)}});
}

void Daemon::start() {
  log_.info("started", {{"node", std::to_string(config_.node.value)},
                        {"role", plane_ ? "gateway" : "witness"},
                        {"members", std::to_string(config_.members.size())}});
  ring_->start();
  ticker_->start();
  if (charon_) charon_->start();
  if (plane_) {
    gate_watch_ = std::make_unique<FdWatch>(io_, plane_->watch_fd(), [this] { watch_gate(); });
    link_watch_ = std::make_unique<FdWatch>(io_, plane_->links().fd(), [this] { watch_links(); });
    watch_links();
  }
}

// Where packets do not pass the programs nothing holds this node back: it must not carry the address a moment
// longer.
void Daemon::watch_gate() {
  if (const Status sound = plane_->check_gate(); !sound) fatal("gate-detached", sound.error());
}

void Daemon::watch_links() {
  plane_->links().drain();
  run(node_->on_links(plane_->links().down(), now()));
}

void Daemon::fatal(const std::string& id, const Error& error) {
  if (plane_) {
    plane_->close_fence();
    report("address-not-dropped", plane_->drop_addresses());
  }
  log_.error(id, {{"error", error.what}});
  failed_ = true;
  ring_->stop();
  io_.stop();
}

void Daemon::tick(Instant at) {
  if (const Duration time = clocks_.suspended(read_clocks()); time != Duration{}) {
    run(node_->on_suspended(time, at));
  }
  run(node_->on_tick(at));
  if (watchdog_ && at >= alive_due_) {
    notifier_.alive();
    alive_due_ = at + *watchdog_;
  }
  ++ticks_;
  // What has moved is told once: an owner that has lost its part in the log for a moment asks afterwards.
  const bool owner = node_->role() == Role::Owner;
  if (owner && ticks_ % kTicksPerUse == 0) {
    run(node_->on_used(plane_->used(), at));
    node_->on_let_in(plane_->let_in());
  }
  if (plane_) follow_windows(at);
  if (plane_ && ticks_ % kTicksPerSeal == 0) renew_seals();
  if (ticks_ % kTicksPerClock == 0) watch_clock();
  if (at >= look_due_) {
    look_due_ = at + kBetweenLooks;
    look_around();
    run(node_->ask_refused(at));
  }
}

void Daemon::look_around() {
  for (const auto& [id, text] : surroundings_.changes(read_surroundings(config_), config_)) {
    if (id == "put-right") {
      log_.info("put-right", {{"text", text}});
    } else {
      log_.warning(id, {{"text", text}});
    }
  }
}

// Harmless here, where no deadline is compared with it; not to certificates, nor to whoever reads logs.
void Daemon::watch_clock() {
  const Duration step = clock_steps_.found(wall_clock(), read_clocks().boot);
  if (step == Duration{}) return;
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(step);
  log_.warning("clock-stepped", {{"by_ms", std::to_string(ms.count())}});
}

void Daemon::follow_windows(Instant at) {
  if (node_->role() == Role::Owner) {
    const auto reading = plane_->poll_windows(at, node_->wants_windows());
    if (!std::exchange(windows_unread_, !reading) && !reading) report("windows-unread", reading.error());
    if (reading && *reading) run(node_->on_windows((*reading)->tops, (*reading)->let_in, at));
  } else if (ticks_ % kTicksPerUse == 0) {
    report("window-not-raised", plane_->raise_waiting(at, false));
  }
  if (ticks_ % kTicksPerMarks == 0 && node_->ready(config_.node)) node_->keep_windows(charon_->inbound());
}

// Until the fence is closed and everything is read, numbers may be accepted that nobody will know of.
void Daemon::read_windows() {
  const Instant at = now();
  const auto reading = plane_->read_windows();
  if (!reading) return report("windows-unread", reading.error());
  node_->on_let_in(plane_->let_in());
  run(node_->on_windows(reading->tops, reading->let_in, at));
}

// charon has brought a copy up to date: its windows may stand where the context left them. On an owner
// packets move them.
void Daemon::raise_windows(SaId sa) {
  if (node_->role() == Role::Owner) return;
  std::vector<InboundTop> tops;
  for (const InboundKey& key : charon_->inbound(sa)) tops.push_back({key, node_->window(key, 0)});
  report("window-not-raised", plane_->raise_reinstalled(tops, now()));
}

// A node that opens a context may do so long after it was sealed, perhaps when that key is retired.
void Daemon::renew_seals() {
  const std::uint32_t key = keys().sealing();
  if (keys().own().size() == 1 || node_->role() != Role::Owner) return;
  const auto sealed = contexts_by_key();
  const std::size_t renewed = sealed.contains(key) ? sealed.at(key) : 0;
  if (renewed == node_->replica().contexts().size()) return;
  log_.info("contexts-resealed",
            {{"key", key_id_text(key)}, {"contexts", std::to_string(node_->replica().contexts().size())}});
  charon_->report_again();
}

std::map<std::uint32_t, std::size_t> Daemon::contexts_by_key() const {
  std::map<std::uint32_t, std::size_t> out;
  for (const auto& [sa, context] : node_->replica().contexts()) ++out[key_id_of(view_of(context.sealed))];
  return out;
}

Status Daemon::reload_keys() {
  const auto keys = load_keys(config_.key_file);
  if (!keys) return keys.error();
  if (charon_ && keys->newest().context.empty())
    return Error{Errc::Denied, "key file " + config_.key_file.string() + " is a witness's"};
  ring_->use_keys(*keys);
  if (charon_) charon_->use_keys(*keys);
  std::string ids;
  for (const Key& key : keys->keys) ids += (ids.empty() ? "" : " ") + key_id_text(key.id);
  log_.info("keys-loaded", {{"keys", ids}});
  return Done{};
}

Status Daemon::fits(const Config& config) const {
  if (!ring_settings_) return Done{};
  const RingCheck check = check_ring(*ring_settings_, config);
  return check.errors.empty() ? Status{Done{}} : Status{invalid(check.errors.front())};
}

void Daemon::stop() {
  log_.info("stopping");
  give_up_.expires_after(std::chrono::seconds{2});
  give_up_.async_wait([this](const boost::system::error_code& error) {
    if (!error) run({Finished{}});
  });
  run(node_->stop(now()));
}

Status Daemon::move(NodeId to) {
  auto actions = node_->move(to, now());
  if (!actions) return actions.error();
  run(*std::move(actions));
  return Done{};
}

Status Daemon::fail_over() {
  std::string reasons;
  for (const Config::Member& member : config_.members) {
    if (member.id == config_.node) continue;
    if (node_->ready(member.id)) return move(member.id);
    if (const std::string why = why_unready(*node_, member.id); !why.empty())
      reasons += "; " + member.name + ": " + why;
  }
  return Error{Errc::Busy, "no other gateway is ready to take over" + reasons};
}

Status Daemon::take_alone() {
  auto actions = node_->take_alone(now());
  if (!actions) return actions.error();
  takeovers_.asked_by_operator();
  run(*std::move(actions));
  return Done{};
}

std::optional<clusterip::GateCounters> Daemon::gate_counters() const {
  if (!plane_) return std::nullopt;
  const auto counters = plane_->counters();
  if (!counters) return std::nullopt;
  return *counters;
}

std::optional<DataPlane::NumberFailures> Daemon::number_failures() const {
  return plane_ ? std::optional{plane_->number_failures()} : std::nullopt;
}

std::optional<std::uint64_t> Daemon::bypasses() const {
  return plane_ ? std::optional{plane_->bypasses()} : std::nullopt;
}

DataPlane::Bypassed Daemon::bypassed() const {
  return plane_ ? plane_->bypassed() : DataPlane::Bypassed{};
}

std::vector<OutboundNumber> Daemon::left() const {
  return plane_ ? plane_->left() : std::vector<OutboundNumber>{};
}

std::uint64_t Daemon::left(const OutboundKey& key) const {
  return plane_ ? plane_->left(key) : 0;
}

void Daemon::run(Actions actions) {
  queue_.insert(queue_.end(), std::make_move_iterator(actions.begin()),
                std::make_move_iterator(actions.end()));
  if (std::exchange(running_, true)) return;
  for (std::size_t i = 0; i < queue_.size() && !failed_; ++i) {
    const Action action = std::move(queue_[i]);
    carry_out(action);
  }
  queue_.clear();
  running_ = false;
  watch(false);
}

// What has come of an event, for the metrics. `moved`: it was a Move to this node.
void Daemon::watch(bool moved) {
  const auto& epoch = node_->agreement().current();
  if (epoch) stable_times_.stable(epoch->epoch, node_->stability().stable(), now());
  takeovers_.seen({.role = node_->role(),
                   .owner = node_->replica().current() ? node_->replica().owner().node : kNobody,
                   .moved = moved,
                   .anew = epoch && epoch->begins_anew_alone()});
}

void Daemon::report(const std::string& id, const Status& status) {
  if (!status) log_.error(id, {{"error", status.error().what}});
}

void Daemon::tell_bypasses() {
  for (const std::string& sa : plane_->take_bypasses()) log_.error("gate-bypassed", {{"sa", sa}});
}

namespace {
template <typename What, typename... Kinds>
concept OneOf = (std::same_as<What, Kinds> || ...);
}  // namespace

void Daemon::say(const RingMessage& message) {
  if (std::holds_alternative<Entry>(message.body)) stable_times_.sent(message.number, now());
  ring_->send(message);
}

void Daemon::carry_out(const Action& action) {
  std::visit(
      Overloaded{[&](const SendRing& a) { say(a.message); },
                 [&](const SendHeartbeat& a) { ring_->send(a.heartbeat); },
                 [&](const Persist& a) {
                   // A promise that is not on disk must not be given: better no node than a forgetful one.
                   if (const Status saved = store_.save({a.promised, a.confirmed}); !saved)
                     fatal("state-unsaved", saved.error());
                 },
                 [&](const SetDeadline& a) { plane_->set_deadline(a.until); },
                 [&](const CloseFence&) {
                   if (plane_) plane_->close_fence();
                 },
                 [&](const HoldAddress&) { report("address-not-held", plane_->hold_addresses()); },
                 [&](const Announce&) { report("not-announced", plane_->announce()); },
                 [&](const DropAddress&) {
                   if (plane_) report("address-not-dropped", plane_->drop_addresses());
                 },
                 [&](const SetGate& a) {
                   report("gate-not-set", plane_->set_gate(a.limits));
                   tell_bypasses();
                 },
                 [&](const ForgetGate& a) { report("gate-not-set", plane_->forget_gate(a.keys)); },
                 [&](const SetNumbers& a) {
                   const Status set = plane_->set_numbers(a.numbers);
                   const bool vanished = !set && set.error().code == Errc::NotFound;
                   report(vanished ? "number-vanished" : "number-not-set", set);
                   tell_bypasses();
                 },
                 [&](const ReadWindows&) {
                   if (plane_) read_windows();
                 },
                 [&](const RaiseWindows& a) {
                   // None named: this node is about to open, and waits for nothing more.
                   const Status raised = a.tops.empty() ? plane_->raise_waiting(now(), true)
                                                        : plane_->raise_windows(a.tops, now());
                   report("window-not-raised", raised);
                 },
                 [&](const PutContext& a) {
                   PutContext put = a;
                   plane_->keep_ahead(put.numbers);
                   charon_->ask(std::move(put));
                 },
                 [&](const OneOf<SetActive, ReleaseContexts, AskFresh> auto& a) { charon_->ask(a); },
                 [&](const CommitOutput& a) { charon_->commit(a); },
                 [&](const DiscardOutput& a) {
                   if (charon_) charon_->discard(a);
                 },
                 [&](const RekeyChild& a) { charon_->rekey(a); },
                 [&](const GiveVpe& a) { charon_->give(a); },
                 [&](const Rejoin&) { ring_->rejoin(); },
                 [&](const Note& a) {
                   a.warning ? log_.warning(a.id, {{"text", a.text}}) : log_.info(a.id, {{"text", a.text}});
                 },
                 [&](const Finished&) {
                   ring_->stop();
                   io_.stop();
                 }},
      action);
}

}  // namespace hasync::hasyncd
