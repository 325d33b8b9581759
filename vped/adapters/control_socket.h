// The control socket: one JSON object on a line asks, one answers, as at hasyncd's (docs/control.md). One
// client at a time, with a limit; only this user may connect.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/adapters/fd.h"
#include "base/result.h"

namespace hasync::vped {

class ControlSocket {
 public:
  // The status as the reply has it.
  using Status = std::function<Result<nlohmann::ordered_json>()>;

  static Result<ControlSocket> open(const std::filesystem::path& path);
  ControlSocket(ControlSocket&&) noexcept = default;
  ~ControlSocket();

  int fd() const { return fd_.get(); }
  void serve_one(const Status& status) const;  // who waits

 private:
  ControlSocket(Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  Fd fd_;
  std::string path_;
};

}  // namespace hasync::vped
