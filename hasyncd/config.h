// The configuration of one hasyncd: read, completed with defaults, checked as a whole, then never changed.
// Which keys there are stands in config_keys.cpp; here are the values and the rules that tie several keys
// together.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/endpoint.h"
#include "base/ids.h"
#include "clusterip/announcer.h"

namespace hasync::hasyncd {

struct Config {
  enum class Role { Gateway, Witness };
  struct Member {
    NodeId id;  // Corosync's nodeid
    std::string name;
    Address address;  // of its heartbeats
    bool operator==(const Member&) const = default;
  };

  NodeId node;
  Role role = Role::Gateway;
  std::string cluster_name;
  std::filesystem::path key_file;
  std::filesystem::path state_dir;
  bool allow_unencrypted_ring = false;
  enum class TwoNode { Safe, Available };
  TwoNode two_node = TwoNode::Safe;
  std::chrono::milliseconds two_node_silence{};
  bool realtime = true;
  std::vector<Member> members;  // by ascending id; this node is one of them
  std::uint16_t heartbeat_port = 0;
  std::chrono::milliseconds heartbeat_interval{};
  std::chrono::milliseconds fence{};
  std::chrono::milliseconds evict_after{};
  std::uint32_t drift_ppm = 0;
  std::uint64_t lease_size = 0;                 // sequence numbers
  std::uint64_t lease_peak = 0;                 // packets per second of one SA, as declared
  std::chrono::seconds rekey_after_takeover{};  // 0: none
  std::vector<clusterip::Vip> vips;             // empty on a witness
  std::vector<std::string> interfaces;          // that reach peers; those of the vips are among them
  std::filesystem::path charon_socket;
  enum class Commit { Strict, Available };
  Commit commit = Commit::Strict;
  std::chrono::milliseconds commit_wait{};
  std::filesystem::path control_socket;
  std::string admin_group;          // empty: none
  std::string read_group;           // empty: none
  std::optional<Endpoint> metrics;  // where they are served; nothing: nowhere
  std::string log_level;
  std::map<std::string, std::string> places;  // "file:line" of the keys that the file has, by "table.key"

  const Member& self() const;
  std::string place_of(const std::string& table, const std::string& key) const;  // "": nowhere
  bool operator==(const Config&) const = default;
};

struct ConfigOutcome {
  std::optional<Config> config;       // none where there are errors
  std::vector<std::string> errors;    // all of them: "file:line: key: what is wrong; what is allowed"
  std::vector<std::string> warnings;  // allowed, but the operator should know
};

// `name` stands for the file in errors.
ConfigOutcome parse_config(const std::string& text, const std::string& name);
ConfigOutcome load_config(const std::filesystem::path& file);

std::string to_text(const Config& config);  // every value in effect, one "key = value" per line

}  // namespace hasync::hasyncd
