#include "hasyncd/charon_link.h"

#include <algorithm>
#include <boost/asio/post.hpp>

#include "base/bytes.h"
#include "hasyncd/adapters/clock.h"

namespace hasync::hasyncd {

namespace {

constexpr std::size_t kSealEnd = 8;
constexpr std::size_t kPutsAtOnce = 16;
constexpr std::size_t kSharesAtOnce = 1024;
constexpr std::size_t kMaxWaiting = 1U << 18U;  // two for each SA that the gate has room for

std::string end_of_seal(std::string_view sealed) {
  constexpr const char* kHex = "0123456789abcdef";
  std::string out;
  for (const char c : sealed.substr(sealed.size() - std::min(sealed.size(), kSealEnd))) {
    const auto byte = static_cast<unsigned char>(c);
    out += {kHex[byte >> 4U], kHex[byte & 15U]};
  }
  return out;
}

std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(now().count());
}

}  // namespace

CharonLink::CharonLink(boost::asio::io_context& io, const Config& config, const KeySet& keys,
                       Callbacks callbacks)
    : io_(io),
      socket_(config.charon_socket),
      callbacks_(std::move(callbacks)),
      sealer_(keys, &Key::context),
      retry_(io),
      output_commit_{config.commit == Config::Commit::Available, config.commit_wait} {
  for (const clusterip::Vip& vip : config.vips) shared_.push_back({vip.address, vip.interface});
}

void CharonLink::start() {
  retry_.start([this] { return connect(); });
}

bool CharonLink::connect() {
  auto client = ctx::CharonClient::connect(
      io_, socket_,
      {.changed = [this](ctx::ChangedContext context) { changed(std::move(context)); },
       .gone =
           [this](const ctx::GoneSa& gone) {
             views_.erase(gone.sa);
             stationary_.erase(gone.sa);
             keyless_.erase(gone.sa);
             refusals_.erase(gone.sa);
             if (!gone.released) callbacks_.gone(gone.sa, gone.number);
           },
       .synced =
           [this] {
             reporting_ = false;
             callbacks_.synced();
           },
       .unprotected =
           [this](const ctx::SaSummary& sa) {
             keyless_.insert_or_assign(sa.sa, sa);
             callbacks_.note("sa-unprotected", to_string(sa.sa) + " " + sa.connection +
                                                   ": made before the plugin was loaded; rekeying");
           },
       .vpe = [this](std::uint64_t session) { callbacks_.vpe(session); },
       .retired = [this](const std::vector<ctx::RetiredVpe>& done) { callbacks_.retired(done); },
       .lost = [this](const Error& error) { lost(error); }});
  if (!client) return false;
  keyless_.clear();
  refusals_.clear();
  client_ = *std::move(client);
  reporting_ = false;
  report_again();
  return true;
}

void CharonLink::report_again() {
  if (!client_ || std::exchange(reporting_, true)) return;
  client_->subscribe(output_commit_, shared_, [this](Result<ctx::CharonReply> reply) {
    if (reply) return;
    reporting_ = false;
    failed("subscribe", reply.error());
  });
}

void CharonLink::lost(const Error& error) {
  callbacks_.note("charon-lost", error.what);
  waiting_.clear();  // nobody waits for it any more
  callbacks_.lost();
  // Not from inside the client's own call: it is destroyed when the next one takes its place.
  start();
}

// A standby asks for it again and again: told once for each reason.
void CharonLink::put_failed(const std::string& what, SaId sa, const Error& error) {
  if (std::exchange(refusals_[sa], error.what) != error.what) return failed(what + to_string(sa), error);
  ++times_.failed;
}

void CharonLink::failed(const std::string& what, const Error& error) {
  ++times_.failed;
  callbacks_.note("charon-refused", what + ": " + error.what);
}

void CharonLink::changed(ctx::ChangedContext changed) {
  const auto view = ctx::decode_context(text_of(changed.context.reveal()));
  if (!view) {
    // Nobody can carry it on, so nobody is told of it.
    discard({changed.number, changed.number});
    return failed("context of " + to_string(changed.sa), view.error());
  }
  keyless_.erase(view->sa);
  ContextReport report{.sa = view->sa,
                       .peer = view->peer,
                       .active = changed.active,
                       .number = changed.number,
                       .replaces = changed.replaces};
  for (const ctx::ChildView& child : view->children) {
    report.outbound.push_back(
        {child.outbound, child.esn, child.outbound_number, child.inbound_spi, child.vpe, child.vpe_counted});
  }
  // A copy is what others have said; only what this charon answers for goes out.
  if (changed.active) {
    sealer_.seal_with(callbacks_.sealing_key());
    const Bytes sealed = sealer_.seal(changed.context.reveal(), additional_data(Purpose::Context, kNobody));
    report.sealed = text_of(sealed);
    callbacks_.trace({false, view->sa, end_of_seal(report.sealed), changed.hook_ns, now_ns()});
  }
  passed(*view);
  callbacks_.report(std::move(report));
}

void CharonLink::passed(const ctx::ContextView& view) {
  views_.insert_or_assign(view.sa, view);
  const auto is_its = [&](const ctx::SharedAddress& shared) { return shared.address == view.local; };
  if (std::ranges::any_of(shared_, is_its)) {
    stationary_.erase(view.sa);
  } else if (stationary_.insert(view.sa).second) {
    callbacks_.note("sa-stationary", to_string(view.sa) + " " + view.connection + ": is on " +
                                         to_string(view.local) + ", which no other node takes over");
  }
}

// The newest context, its outbound SAs behind the numbers that may have been used.
Result<Secret> CharonLink::context_of(const PutContext& request) {
  const auto opened =
      sealer_.open_secret(view_of(request.sealed), additional_data(Purpose::Context, kNobody));
  if (!opened) return opened.error();
  std::map<OutboundKey, std::uint64_t> numbers;
  for (const OutboundNumber& number : request.numbers) numbers.emplace(number.key, number.used);
  return ctx::with_numbers(text_of(opened->reveal()), numbers, callbacks_.window, request.handed_on);
}

// In the order in which they were asked for. A PUT costs this loop more than a heartbeat may wait for a
// thousand of them: a few are under way at a time, each answer asks for the next.
void CharonLink::ask(Request request) {
  if (waiting_.size() == kMaxWaiting && client_) {
    client_->give_up({Errc::Busy, std::to_string(kMaxWaiting) + " requests wait: charon answers none"});
  }
  waiting_.push_back(std::move(request));
  ask_waiting();
}

void CharonLink::ask_waiting() {
  if (std::exchange(asking_, true)) return;
  while (!waiting_.empty() && puts_ < kPutsAtOnce) {
    const Request request = std::move(waiting_.front());
    waiting_.pop_front();
    std::visit([this](const auto& one) { carry_out(one); }, request);
  }
  asking_ = false;
}

void CharonLink::carry_out(const PutContext& request) {
  ask_put(request);
  wipe_dead_stack();
}

void CharonLink::ask_put(const PutContext& request) {
  auto context = context_of(request);
  if (!context) put_failed("context of ", request.sa, context.error());
  if (!context || !client_) {
    return boost::asio::post(io_, [this, sa = request.sa] { callbacks_.put(sa, false); });
  }
  const std::string_view bytes = text_of(context->reveal());
  if (const auto view = ctx::decode_context(bytes)) passed(*view);
  ++puts_;
  client_->put(bytes, holding(request.active),
               [this, sa = request.sa, seal = end_of_seal(request.sealed),
                asked = now_ns()](Result<ctx::CharonReply> reply) {
                 if (reply) {
                   callbacks_.trace({true, sa, seal, asked, now_ns()});
                   times_.put_ns = reply->took_ns;
                   ++times_.puts;
                   refusals_.erase(sa);
                 } else {
                   put_failed("PUT of ", sa, reply.error());
                 }
                 --puts_;
                 callbacks_.put(sa, reply.has_value());
                 ask_waiting();
               });
}

void CharonLink::setup(const std::function<void(std::optional<ctx::CharonSetup>)>& answer) {
  if (!client_) return answer(std::nullopt);
  client_->hello([answer](Result<ctx::CharonReply> reply) {
    answer(reply ? std::optional{std::move(reply->setup)} : std::nullopt);
  });
}

// With `strict` a context is exact (docs/decisions/0006-message-ids.md).
ctx::Holding CharonLink::holding(bool active) const {
  if (!active) return ctx::Holding::Passive;
  return output_commit_.available ? ctx::Holding::ActiveBehind : ctx::Holding::Active;
}

const ctx::ContextView* CharonLink::view(SaId sa) const {
  const auto known = views_.find(sa);
  return known == views_.end() ? nullptr : &known->second;
}

std::vector<InboundKey> CharonLink::inbound(SaId sa) const {
  std::vector<InboundKey> out;
  const auto known = views_.find(sa);
  if (known == views_.end()) return out;
  for (const ctx::ChildView& child : known->second.children) {
    out.push_back({known->second.local, child.inbound_spi});
  }
  return out;
}

std::vector<InboundKey> CharonLink::inbound() const {
  std::vector<InboundKey> out;
  out.reserve(views_.size());
  for (const auto& [sa, view] : views_) {
    for (const ctx::ChildView& child : view.children) out.push_back({view.local, child.inbound_spi});
  }
  std::ranges::sort(out);
  return out;
}

void CharonLink::carry_out(const SetActive& request) {
  if (!client_) return;
  client_->set_state(request.sas, holding(request.active), [this](Result<ctx::CharonReply> reply) {
    if (!reply) failed("set state", reply.error());
  });
}

void CharonLink::carry_out(const ReleaseContexts& request) {
  if (!client_) return;
  client_->release(request.sas, [this, sas = request.sas](Result<ctx::CharonReply> reply) {
    if (!reply) failed("release", reply.error());
    callbacks_.released(sas);
  });
}

void CharonLink::carry_out(const AskFresh& request) {
  if (!client_) return;
  std::vector<ctx::CharonClient::VpeChild> children;
  for (const AskFresh::Child& child : request.children) children.push_back({child.sa, child.inbound});
  client_->ask_fresh(request.reception, children, [this](Result<ctx::CharonReply> reply) {
    if (!reply) failed("ask for fresh windows", reply.error());
  });
}

void CharonLink::commit(const CommitOutput& request) {
  if (client_) client_->commit(request.report, [this](const auto& reply) { count(reply); });
}

void CharonLink::discard(const DiscardOutput& request) {
  if (client_) client_->discard(request.first, request.last, [this](const auto& reply) { count(reply); });
}

void CharonLink::count(const Result<ctx::CharonReply>& reply) {
  if (!reply) return failed("commit", reply.error());
  const ctx::CommitCounters before = std::exchange(commits_, reply->commits);
  if (commits_.dropped > before.dropped) {
    callbacks_.note("output-dropped", std::to_string(commits_.dropped - before.dropped) +
                                          " IKE packets: what they told of did not become stable");
  }
  if (commits_.early > before.early) {
    callbacks_.note("output-early", std::to_string(commits_.early - before.early) +
                                        " IKE packets were sent though not stable");
  }
}

void CharonLink::give(const GiveVpe& request) {
  if (!client_) return;
  for (std::size_t first = 0; first < request.shares.size(); first += kSharesAtOnce) {
    std::vector<ctx::CharonClient::VpeShare> some;
    for (std::size_t i = first; i < std::min(first + kSharesAtOnce, request.shares.size()); ++i) {
      const VpeShare& share = request.shares[i];
      some.push_back({share.sa, share.spi, share.place.node, share.place.incarnation});
    }
    client_->give_vpe(request.session, some, [this](Result<ctx::CharonReply> reply) {
      if (!reply) failed("give VPE", reply.error());
    });
  }
}

void CharonLink::rekey(const RekeyChild& request) {
  const auto known = views_.find(request.sa);
  if (!client_ || known == views_.end()) return;
  for (const ctx::ChildView& child : known->second.children) {
    if (child.outbound != request.key) continue;
    client_->rekey(request.sa, child.inbound_spi, [this](Result<ctx::CharonReply> reply) {
      if (!reply) failed("rekey", reply.error());
    });
  }
}

}  // namespace hasync::hasyncd
