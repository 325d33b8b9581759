// Control: the operator's commands, from the control socket to the daemon.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "hasyncd/adapters/control_server.h"
#include "hasyncd/daemon.h"
#include "hasyncd/events.h"

namespace hasync::hasyncd {

class Control {
 public:
  // How the configuration is read again.
  struct Reload {
    std::filesystem::path file;
    std::function<void(const Config&)> applied;
  };
  static Result<std::unique_ptr<Control>> create(boost::asio::io_context& io, Daemon& daemon, EventFeed& log,
                                                 Reload reload);

  // The whole new configuration, or nothing. What was changed, in words; or why nothing was. Also logged.
  Result<std::string> reload();
  NodeStatus status() const;

 private:
  Control(Daemon& daemon, EventFeed& log, Reload reload)
      : daemon_(daemon), log_(log), reload_(std::move(reload)) {}
  Result<std::string> swap();
  void answer(const ControlRequest& request, Access access, const ControlServer::Reply& reply);
  ControlAnswer carry_out(const ControlRequest& request);
  ControlAnswer events(const ControlRequest& request);
  ControlAnswer migrate(const ControlRequest& request);
  ControlAnswer take_over(const ControlRequest& request);
  ControlAnswer tunnels(const ControlRequest& request);
  ControlAnswer show(const ControlRequest& request);

  Daemon& daemon_;
  EventFeed& log_;
  Reload reload_;
  std::unique_ptr<ControlServer> server_;
  std::uint64_t denied_ = 0;  // requests beyond the caller's access
};

}  // namespace hasync::hasyncd
