// The connection to charon's plugin: bytes and frames, no meaning. Never blocks.
#pragma once

#include <filesystem>
#include <optional>

#include "base/adapters/fd.h"
#include "vped/plugin_codec.h"

namespace hasync::vped {

class CharonLink {
 public:
  explicit CharonLink(std::filesystem::path socket) : socket_(std::move(socket)) {}

  bool is_open() const { return static_cast<bool>(fd_); }
  int fd() const { return fd_.get(); }  // -1: not open
  Status open();
  void close();
  // Requests are few and short: one that the socket does not take at once is an error.
  Status send(const Bytes& frame);
  // Reads what is there. Nothing: no whole message now. An error: the connection is of no use any more.
  Result<std::optional<PluginMessage>> next();

 private:
  Status read();
  std::filesystem::path socket_;
  Fd fd_;
  FrameCutter cutter_;
};

}  // namespace hasync::vped
