// What a client and the charon plugin say to each other (proto/plugin.proto), as plain values.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ctx-transfer/context_view.h"

namespace hasync::ctx {

enum class SaState { Active, Passive };

// Answers other than "done". The numbers are those of plugin.proto.
enum class PluginErrc {
  BadRequest = 1,
  Unsupported,
  NotFound,
  NoConfig,     // no connection or child of that name in this charon
  KeysUnknown,  // made before the plugin was loaded: rekey it first
  Busy,         // an exchange is under way; ask again
  Conflict,     // an active IKE_SA with these SPIs exists there
  InstallFailed,
};

struct Hello {};
struct Subscribe {};
struct List {};
struct Get {
  SaId sa;
};
struct Put {
  std::string context;
  SaState state = SaState::Passive;
};
struct SetState {
  std::vector<SaId> sas;
  SaState state = SaState::Passive;
};
struct Release {
  std::vector<SaId> sas;
};
struct Rekey {
  SaId sa;
  EspSpi child_inbound_spi;  // 0: the IKE_SA itself
};
using Request = std::variant<Hello, Subscribe, List, Get, Put, SetState, Release, Rekey>;

struct SaSummary {
  SaId id;
  std::string connection;
  Address local;
  Address peer;
  std::string peer_id;
  SaState state = SaState::Passive;
  bool keys_known = false;  // false: not protected until rekeyed
  std::uint32_t children = 0;
};

struct PluginVersions {
  std::string plugin;
  std::string charon;
  std::uint32_t context_major = 0;
  std::uint32_t context_minor = 0;
};

struct Refusal {
  PluginErrc code = PluginErrc::BadRequest;
  std::string text;
};

struct Reply {
  std::uint64_t id = 0;
  std::optional<Refusal> refusal;  // absent: done
  PluginVersions versions;         // of Hello
  std::vector<SaSummary> sas;      // of List
  std::string context;             // of Get
  std::chrono::nanoseconds took{0};
};

struct Changed {
  std::string context;
  ContextView view;
  SaState state = SaState::Passive;
  std::optional<SaId> replaces;  // the IKE_SA that this one came from by a rekey
};
struct Gone {
  SaId id;
  bool released = false;  // at a client's request: elsewhere it may live on
};
struct Synced {};
struct Unprotected {
  SaSummary sa;
};

struct Event {
  std::uint64_t number = 0;           // counts up by one per client; a gap means that events were lost
  std::chrono::nanoseconds hook{0};  // CLOCK_MONOTONIC when charon told the plugin
  std::variant<Changed, Gone, Synced, Unprotected> what;
};

using FromPlugin = std::variant<Reply, Event>;

}  // namespace hasync::ctx
