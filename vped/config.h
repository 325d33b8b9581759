// The configuration of one vped: read, checked as a whole, then never changed. docs/vped.md has every key.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/endpoint.h"
#include "vped/tunnel.h"

namespace hasync::vped {

struct Config {
  struct Line {  // what workers need not know of a tunnel
    std::filesystem::path key_file;
    std::uint32_t window_bits = 1024;
    std::uint8_t hops = 1;  // of a group: routers that its packets may pass, and one
    bool operator==(const Line&) const = default;
  };
  std::string interface;  // of the inside
  Address address;        // own, towards the peers
  std::uint16_t port = 0;
  bool shared = false;        // the address is a cluster's, and now and then another node's
  std::uint32_t workers = 0;  // 0: as many as there are processors
  std::uint8_t node = 0;
  std::uint32_t mtu = 0;  // of the interface; 0: what fits to every peer when it starts
  std::filesystem::path state_dir;
  std::filesystem::path control;
  struct Charon {  // whose CHILD_SAs are tunnels
    std::filesystem::path socket;
    std::uint32_t window_bits = 1024;
    bool operator==(const Charon&) const = default;
  };
  std::optional<Charon> charon;
  std::optional<Endpoint> metrics;  // where they are served; nothing: nowhere
  std::vector<Tunnel> tunnels;      // whose keys are in files
  std::vector<Line> lines;          // one for each tunnel
  bool operator==(const Config&) const = default;
};

struct ConfigOutcome {
  std::optional<Config> config;     // none where there are errors
  std::vector<std::string> errors;  // all of them: "file:line: key: what is wrong"
};

// `name` stands for the file in errors.
ConfigOutcome parse_config(const std::string& text, const std::string& name);

}  // namespace hasync::vped
