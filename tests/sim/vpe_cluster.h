// A cluster whose nodes all send on one VPE SA, and what goes wrong with it: nodes die, lose or roll back
// what they had, entries of the log get lost with them; receivers are lost and an attacker replays what it
// has recorded. The rule of incarnations (vpe/incarnations.h), Sender and Receiver are the production ones;
// the log is the simplest that promises what hasyncd's does: one order, and stable is what every member of
// the view has applied.
//
// I1: no (key, nonce) leaves twice. I5: when a peer has moved to fresh windows, nothing older is accepted.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/cluster.h"
#include "tests/sim/random.h"
#include "vpe/incarnations.h"
#include "vpe/receiver.h"
#include "vpe/sender.h"

namespace hasync::sim {

// Whether this mutation is one of these clusters'.
bool is_vpe(const std::string& mutation);

class VpeCluster {
 public:
  VpeCluster(std::uint64_t seed, std::string mutation, bool verbose);
  ~VpeCluster();
  Verdict run();

 private:
  using KeyId = std::uint32_t;
  struct Take {  // an entry of the log: this process wants an incarnation under this key
    std::uint32_t node = 0;
    std::uint64_t process = 0;
    KeyId key = 0;
  };
  struct Node {
    bool up = false;
    std::uint64_t process = 0;  // a new one at each start
    std::size_t applied = 0;    // entries of the log
    std::map<KeyId, vpe::Incarnations> taken;
    std::map<std::size_t, std::uint8_t> granted;  // by own entries that are not stable yet
    std::unique_ptr<vpe::Sender> sender;
    KeyId key = 0;                           // the sender's
    std::optional<std::uint8_t> remembered;  // what is on its disk; no right node reads it
    bool asked = false;                      // an entry is under way
  };

  void step();
  void order_one();
  void apply_one(std::uint32_t number);
  void use_stable();
  void use(std::uint32_t number, KeyId key, std::uint8_t incarnation);
  void ask(std::uint32_t number);
  void ask_again();
  void send(std::uint32_t number);
  void crash();
  void start();
  void view_changes();
  void new_receiver();
  void lose_receiver();
  std::uint32_t oldest_of(std::uint32_t number);
  void end_move();
  void replay();
  void rekey();
  void heal();
  std::vector<std::uint32_t> running() const;
  bool mutated(const char* name) const { return mutation_ == name; }
  void tell(const std::string& what) const;
  void fail(const std::string& what);

  std::uint64_t seed_;
  std::string mutation_;
  bool verbose_;
  Random random_;
  std::vector<Node> nodes_;
  std::vector<Take> log_;
  std::deque<Take> proposed_;
  std::uint64_t processes_ = 0;
  KeyId key_ = 1;
  std::unique_ptr<vpe::Receiver> receiver_;
  std::set<std::uint32_t> to_move_;  // nodes that have not taken fresh windows yet
  bool moving_ = false;
  std::vector<Bytes> recorded_;
  std::set<std::pair<KeyId, Bytes>> nonces_;
  std::uint64_t packets_ = 0;
  std::uint64_t losses_ = 0;
  std::optional<std::string> failure_;
};

}  // namespace hasync::sim
