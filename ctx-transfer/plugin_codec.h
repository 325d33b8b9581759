// What charon's plugin says to hasyncd and haipsec (proto/plugin.proto), as plain values. A frame is a length
// of 32 bits, big endian, and a message. The decoder refuses what is none; whose turn it is to speak is the
// client's matter.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/secret.h"

namespace hasync::ctx {

inline constexpr std::size_t kMaxPluginFrame = 1U << 20U;  // bytes, without the length
inline constexpr std::size_t kPluginLength = 4;

struct ChangedContext {
  SaId sa;
  Secret context;  // encoded; seal it before it goes anywhere
  bool active = false;
  std::uint64_t hook_ns = 0;                    // CLOCK_MONOTONIC when charon told the plugin
  std::uint64_t number = 0;                     // of this report; goes up within one connection
  std::optional<SaId> replaces = std::nullopt;  // the IKE_SA that this one came from by a rekey
};

struct GoneSa {
  SaId sa;
  bool released = false;     // at a client's wish: elsewhere it may live on
  std::uint64_t number = 0;  // as above
};

struct CommitCounters {  // packets since charon's start
  std::uint64_t held = 0;
  std::uint64_t dropped = 0;
  std::uint64_t early = 0;
};

// Nothing is taken any more of what the peer of this CHILD_SA had sent before it was asked, in that
// reception.
struct RetiredVpe {
  EspSpi inbound_spi;
  std::uint64_t reception = 0;
};

struct SaSummary {  // as an event: its keys are not known, it is being rekeyed
  SaId sa;
  std::string connection;
  std::string remote_id;
  std::string remote;  // address
  bool active = false;
  bool keys_known = false;
  std::uint32_t children = 0;
};

// What charon is configured with.
struct CharonSetup {
  struct Connection {
    std::string name;
    std::vector<std::string> children;
    std::string remote;  // where its peers may be, as written
  };
  std::string plugin_version;
  std::string charon_version;
  std::uint32_t spi_min = 0;
  std::uint32_t spi_max = 0;
  std::vector<Connection> connections;
  std::uint32_t left_out = 0;  // connections beyond what is told
};

struct CharonReply {
  Secret context;              // Get
  std::vector<SaSummary> sas;  // List
  CharonSetup setup;           // Hello
  CommitCounters commits;      // Commit
  std::uint64_t took_ns = 0;   // inside the plugin
};

struct PluginReply {
  std::uint64_t id = 0;  // of the request
  Result<CharonReply> result;
};

struct Synced {};
struct VpeBegun {
  std::uint64_t session = 0;
};
struct UnknownEvent {};  // of no meaning here

struct PluginEvent {
  std::uint64_t number = 0;
  std::variant<UnknownEvent, ChangedContext, GoneSa, Synced, SaSummary, VpeBegun, std::vector<RetiredVpe>>
      content;
};

// Invalid: none, or more than there may be.
Result<std::size_t> plugin_frame_size(std::span<const std::uint8_t, kPluginLength> length);
Result<std::variant<PluginReply, PluginEvent>> decode_from_plugin(BytesView message);

}  // namespace hasync::ctx
