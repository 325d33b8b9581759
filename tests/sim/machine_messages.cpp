// IKE messages of a simulated machine: which IDs they take, what is said once more, and what leaves. See
// machine.h.
#include <algorithm>

#include "tests/sim/machine.h"

namespace hasync::sim {

namespace {

constexpr double kLost = 25;  // of a hundred messages, either way

}  // namespace

// A change comes with the answer to the own request, with a request of the peer's, or makes one, where the
// one before is answered; else it is one that charon makes by itself.
void Machine::exchange(IkeSa& sa) {
  const World::IkePeer& peer = world_.ike_peers[sa.id];
  Messages& messages = sa.messages;
  if (messages.request != 0 && peer.heard >= messages.asked && world_.message_random.percent(50)) {
    messages.request = 0;
  } else if (world_.message_random.percent(60)) {
    if (!peer.waits) peer_asks(sa);
  } else if (messages.request == 0) {
    ++messages.asked;
    messages.request = ++world_.contents;
  }
}

// charon gives what it has answered already the same answer; where this node has not heard of the request
// before, it makes one.
void Machine::peer_asks(IkeSa& sa) {
  World::IkePeer& peer = world_.ike_peers[sa.id];
  peer.waits = true;
  if (sa.messages.answered != peer.asked) return;
  ++sa.messages.answered;
  sa.messages.answer = ++world_.contents;
}

// Out of the plugin: the log knows of it.
void Machine::say(SaId sa, const Messages& messages) {
  if (messages.answer != 0) say_answer(sa, messages);
  if (messages.request != 0) say_request(sa, messages);
}

void Machine::say_answer(SaId sa, const Messages& messages) {
  const std::uint32_t id = messages.answered - 1;
  world_.checker.said(id_, sa, Checker::Says::Response, id, messages.answer);
  World::IkePeer& peer = world_.ike_peers[sa];
  if (!peer.waits || peer.asked != id || world_.message_random.percent(kLost)) return;
  peer.waits = false;
  ++peer.asked;
}

void Machine::say_request(SaId sa, const Messages& messages) {
  const std::uint32_t id = messages.asked - 1;
  world_.checker.said(id_, sa, Checker::Says::Request, id, messages.request);
  World::IkePeer& peer = world_.ike_peers[sa];
  if (!world_.message_random.percent(kLost)) peer.heard = std::max(peer.heard, messages.asked);
}

// What waits for an answer is said again. What is not stable waits for that first.
void Machine::repeat_messages() {
  for (auto& [sa, held] : held_) {
    const bool peer_waits = world_.ike_peers[sa].waits;
    const Messages& messages = held.sa.messages;
    if (!held.active || !(peer_waits || messages.request != 0) || !world_.message_random.percent(30))
      continue;
    const Messages before = messages;
    if (peer_waits) peer_asks(held.sa);
    if (messages != before) {
      held.sa.change = ++world_.changes;
      changed(held);
    } else if (!marked_.contains(sa)) {
      say(sa, messages);
    }
  }
}

}  // namespace hasync::sim
