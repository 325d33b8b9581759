// Control: the operator's commands, from the control socket to the daemon.
#pragma once

#include <memory>

#include "hasyncd/adapters/control_server.h"
#include "hasyncd/daemon.h"

namespace hasync::hasyncd {

class Control {
 public:
  static Result<std::unique_ptr<Control>> create(boost::asio::io_context& io, Daemon& daemon);

 private:
  explicit Control(Daemon& daemon) : daemon_(daemon) {}
  void answer(const ControlRequest& request, Access access, const ControlServer::Reply& reply);
  ControlAnswer carry_out(const ControlRequest& request);
  NodeStatus status() const;
  ControlAnswer migrate(const ControlRequest& request);
  ControlAnswer take_over(const ControlRequest& request);
  ControlAnswer show(const ControlRequest& request);

  Daemon& daemon_;
  std::unique_ptr<ControlServer> server_;
  std::uint64_t denied_ = 0;  // requests beyond the caller's access
};

}  // namespace hasync::hasyncd
