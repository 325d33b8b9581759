// What each subcommand does. They return the exit code.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "haipsec/output.h"

namespace hasync::haipsec {

struct Options {
  bool json = false;
  std::string socket = "/run/hasyncd/control.sock";
  std::string vped = "/run/vped/control.sock";
  std::string charon = "/run/charon.hasync";
  std::string key = "/etc/hasyncd/key";
  std::string config = "/etc/hasyncd/hasyncd.toml";
  std::string tunnel;
  std::string file;
  std::string to;
  std::string peer;
  std::string state;
  std::string witness;
  bool plain = false;
  bool release = false;
  bool other_is_off = false;
  bool follow = false;
  std::uint64_t skip = 65536;  // sequence numbers
};

int status(const Options& options);
int nodes(const Options& options);
int tunnels(const Options& options);
int show(const Options& options);
int migrate(const Options& options);
int failover(const Options& options);
int takeover(const Options& options);
int events(const Options& options);
int vpe(const Options& options);
int reload(const Options& options);
int version(const Options& options);

}  // namespace hasync::haipsec
