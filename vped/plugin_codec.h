// What is said on the socket of charon's plugin (proto/plugin.proto), as far as vped has a part in it. Frames
// are a length of 32 bits, big endian, and a message.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <variant>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "vped/child.h"
#include "vped/retirements.h"

namespace hasync::vped {

// Requests, each a whole frame. `id` comes back in the answer.
Bytes encode_offer(std::uint64_t id, const Address& own, std::uint16_t port);
Bytes encode_rekey(std::uint64_t id, const Child& child);
Bytes encode_retired(std::uint64_t id, const std::vector<Retirements::Due>& done);

struct Answer {
  std::uint64_t id = 0;
  bool refused = false;
  std::string text;  // why
};
struct GoneChild {
  EspSpi in;
};
// The peer sends with this incarnation from now on.
using Retire = Retirements::Due;
struct Synced {};
struct Unknown {};  // of no meaning here

struct PluginMessage {
  std::uint64_t number = 0;  // of an event; 0: it is none
  std::variant<Unknown, Answer, ToldChild, GoneChild, Retire, Synced> content;
};

// Invalid: no message of the schema, or a CHILD_SA that cannot be VPE; `what` names the field.
Result<PluginMessage> decode_plugin_message(BytesView message);

// Cuts a stream into messages. What it holds is wiped.
class FrameCutter {
 public:
  static constexpr std::size_t kLargest = std::size_t{1} << 20;
  FrameCutter() : bytes_(4 + kLargest) {}

  // Where to write what comes next, and how much of it there was.
  std::span<std::uint8_t> room() { return bytes_.fill().subspan(used_); }
  void filled(std::size_t size) { used_ += size; }
  // A whole message, until take() or room() is called. Invalid: the stream is lost.
  Result<std::optional<BytesView>> next() const;
  void take();  // the message that next() has shown
  void clear();

 private:
  std::size_t length() const;
  Secret bytes_;
  std::size_t used_ = 0;
};

}  // namespace hasync::vped
