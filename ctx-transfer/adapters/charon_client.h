// CharonClient: one connection to the charon plugin's socket (proto/plugin.proto). Requests are answered in
// their order; events come in between. Asynchronous, in one thread; a command-line tool runs the loop until
// its answer is there. A frame that breaks the rules ends the connection: the plugin is trusted no further
// than its bytes. So does a plugin that does not read what it is sent: whoever connects again is told
// everything.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/ids.h"
#include "base/result.h"
#include "ctx-transfer/plugin_codec.h"

namespace hasync::ctx {

// Moves with the IKE_SAs. MOBIKE (RFC 4555) tells the peer of an IKE_SA on one of them of the others on its
// interface, and of nothing else.
struct SharedAddress {
  Address address;
  std::string interface;
};

// Messages of charon's wait for `commit`, at most so long; then they are dropped, or sent all the same.
struct OutputCommit {
  bool available = false;
  std::chrono::milliseconds wait{};
};

// What a charon is to do with an IKE_SA: keep it ready, answer for it, or answer for it though the
// context may be behind: once that shows, message IDs are agreed with the peer (RFC 6311, section 5.1).
enum class Holding { Passive, Active, ActiveBehind };

class CharonClient {
 public:
  struct Callbacks {  // all may be empty but `lost`
    std::function<void(ChangedContext)> changed;
    std::function<void(const GoneSa&)> gone;
    std::function<void()> synced;
    std::function<void(const SaSummary&)> unprotected;
    std::function<void(std::uint64_t session)> vpe;  // this client of the plugin's receives VPE now; 0: none
    std::function<void(const std::vector<RetiredVpe>&)> retired;
    std::function<void(const Error&)> lost;  // the connection has ended: none of these is called any more
  };
  using Answer = std::function<void(Result<CharonReply>)>;

  static Result<std::unique_ptr<CharonClient>> connect(boost::asio::io_context& io,
                                                       const std::filesystem::path& socket,
                                                       Callbacks callbacks);
  CharonClient(const CharonClient&) = delete;
  CharonClient& operator=(const CharonClient&) = delete;
  ~CharonClient();

  // As if the plugin had gone: `lost`, then every answer is an error.
  void give_up(const Error& why);

  void hello(Answer answer);
  void subscribe(Answer answer);
  // The same, and output commit: from now on charon waits for this client.
  void subscribe(const OutputCommit& commit, const std::vector<SharedAddress>& shared, Answer answer);
  void commit(std::uint64_t number, Answer answer);  // reports up to this one are stable
  // Of these, those that are not stable never will be.
  void discard(std::uint64_t first, std::uint64_t last, Answer answer);
  void list(Answer answer);
  void get(SaId sa, Answer answer);
  void put(std::string_view context, Holding holding, Answer answer);
  void set_state(const std::vector<SaId>& sas, Holding holding, Answer answer);
  void release(const std::vector<SaId>& sas, Answer answer);
  // This session of VPE's may send on these.
  struct VpeShare {
    SaId sa;
    EspSpi outbound_spi;
    std::uint32_t node = 0, incarnation = 0;
  };
  void give_vpe(std::uint64_t session, const std::vector<VpeShare>& shares, Answer answer);
  // Their peers are to send VPE in fresh windows; `retired` follows for each that does.
  struct VpeChild {
    SaId sa;
    EspSpi inbound_spi;
  };
  void ask_fresh(std::uint64_t reception, const std::vector<VpeChild>& children, Answer answer);
  void rekey(SaId sa, EspSpi child_inbound_spi, Answer answer);  // SPI 0: the IKE_SA itself

 private:
  struct State;  // outlives the client while an operation of Asio's is under way
  explicit CharonClient(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

}  // namespace hasync::ctx
