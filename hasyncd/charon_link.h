// CharonLink: charon by its plugin, as a Node sees it: contexts sealed, requests carried out, a connection
// that comes back by itself. What charon reports leaves this class only sealed; what others sealed is opened
// only here.
#pragma once

#include <boost/asio/io_context.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <variant>

#include "ctx-transfer/adapters/charon_client.h"
#include "ctx-transfer/context_codec.h"
#include "hasyncd/adapters/key_file.h"
#include "hasyncd/adapters/retry_timer.h"
#include "hasyncd/adapters/seal.h"
#include "hasyncd/config.h"
#include "hasyncd/node/node.h"

namespace hasync::hasyncd {

struct CharonTimes {  // of the newest request, inside the plugin
  std::uint64_t put_ns = 0;
  std::uint64_t puts = 0;
  std::uint64_t failed = 0;
};

// When a context passed: for whoever follows it from the charon that changed it to the one that keeps a copy.
struct ContextTrace {
  bool put = false;  // it was PUT here; otherwise this charon has reported it
  SaId sa;
  std::string seal;            // end of its seal, by which the nodes recognise it; not secret
  std::uint64_t since_ns = 0;  // when charon told its plugin, or when this PUT was asked for; CLOCK_MONOTONIC
  std::uint64_t at_ns = 0;     // when it was reported, or installed
};

class CharonLink {
 public:
  struct Callbacks {
    std::function<void(ContextReport)> report;
    std::function<void(SaId, std::uint64_t number)> gone;
    std::function<void()> synced;
    std::function<void()> lost;
    std::function<void(std::uint64_t session)> vpe;
    std::function<void(const std::vector<ctx::RetiredVpe>&)> retired;
    std::function<void(SaId, bool installed)> put;
    std::function<void(const std::vector<SaId>&)> released;  // or they were not there
    std::function<void(const std::string& id, const std::string& text)> note;
    std::function<void(const ContextTrace&)> trace;
    std::function<std::uint32_t()> sealing_key;
    ctx::WindowTop window;  // where an inbound window is to stand that a context has at this top
  };

  CharonLink(boost::asio::io_context& io, const Config& config, const KeySet& keys, Callbacks callbacks);
  void start();

  using Request = std::variant<PutContext, SetActive, ReleaseContexts, AskFresh>;
  void ask(Request request);
  void rekey(const RekeyChild& request);
  void give(const GiveVpe& request);
  void commit(const CommitOutput& request);
  void discard(const DiscardOutput& request);
  void use_keys(const KeySet& keys) { sealer_ = Sealer(keys, &Key::context); }  // another key file
  void report_again();                                                          // every context, sealed anew
  // How charon is configured now; nothing where there is none, or it refuses.
  void setup(const std::function<void(std::optional<ctx::CharonSetup>)>& answer);
  const CharonTimes& times() const { return times_; }
  const ctx::CommitCounters& commits() const { return commits_; }
  // What has been seen of a context when it passed, in clear; null: nothing.
  const ctx::ContextView* view(SaId sa) const;
  // The inbound SAs of a context; of all contexts that have passed, sorted.
  std::vector<InboundKey> inbound(SaId sa) const;
  std::vector<InboundKey> inbound() const;
  // IKE_SAs made before the plugin was loaded: their keys are not known until they are rekeyed.
  const std::map<SaId, ctx::SaSummary>& keyless() const { return keyless_; }
  // IKE_SAs on an address that no other node takes over.
  const std::set<SaId>& stationary() const { return stationary_; }

 private:
  bool connect();
  void changed(ctx::ChangedContext changed);
  void passed(const ctx::ContextView& view);
  void ask_waiting();
  void carry_out(const PutContext& request);
  void carry_out(const SetActive& request);
  void carry_out(const ReleaseContexts& request);
  void carry_out(const AskFresh& request);
  void ask_put(const PutContext& request);
  Result<Secret> context_of(const PutContext& request);
  ctx::Holding holding(bool active) const;
  void count(const Result<ctx::CharonReply>& reply);
  void lost(const Error& error);
  void put_failed(const std::string& what, SaId sa, const Error& error);
  void failed(const std::string& what, const Error& error);

  boost::asio::io_context& io_;
  std::filesystem::path socket_;
  Callbacks callbacks_;
  Sealer sealer_;
  RetryTimer retry_;
  std::unique_ptr<ctx::CharonClient> client_;
  ctx::OutputCommit output_commit_;
  std::vector<ctx::SharedAddress> shared_;
  CharonTimes times_;
  ctx::CommitCounters commits_;
  std::deque<Request> waiting_;
  std::size_t puts_ = 0;  // under way
  bool asking_ = false;
  bool reporting_ = false;  // asked for every context, and not told them all yet
  std::map<SaId, ctx::ContextView> views_;
  std::map<SaId, ctx::SaSummary> keyless_;
  std::set<SaId> stationary_;
  std::map<SaId, std::string> refusals_;  // of PUTs: the reason that was told
};

}  // namespace hasync::hasyncd
