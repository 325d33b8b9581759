#include "vped/program.h"

#include <cap-ng.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/adapters/command_line.h"
#include "base/adapters/fd_watch.h"
#include "base/adapters/hidden_process.h"
#include "base/adapters/metrics_server.h"
#include "vped/adapters/control_socket.h"
#include "vped/adapters/metrics_text.h"
#include "vped/adapters/status_json.h"
#include "vped/children.h"

namespace hasync::vped {
namespace {

int fail(const std::string& text) {
  std::cerr << "vped: " << text << "\n";
  return 1;
}

// From here on all threads have them blocked, and one descriptor tells of them.
Fd catch_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return Fd(::signalfd(-1, &signals, SFD_CLOEXEC));
}

// Everything is open: no capability is needed any more, but for what sends from an address that another node
// may have.
bool drop_privileges(bool shared) {
  capng_clear(CAPNG_SELECT_ALL);
  if (shared)
    capng_update(CAPNG_ADD, static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED), CAP_NET_RAW);
  return capng_apply(CAPNG_SELECT_ALL) == 0;
}

Result<Snapshot> snapshot(Gateway& gateway, const std::optional<Children>& children) {
  auto workers = gateway.status();
  if (!workers) return workers.error();
  return Snapshot{
      gateway.config().interface, gateway.cipher(),
      gateway.config().node,      children ? std::optional(children->is_connected()) : std::nullopt,
      gateway.tunnels(),          *std::move(workers)};
}

// What charon's plugin tells, and what is due without it.
class Attendance {
 public:
  Attendance(boost::asio::io_context& io, Children& children) : io_(io), children_(children), due_(io) {
    step();
  }

 private:
  void step() {
    told_.reset();  // the connection may be another one afterwards
    const auto now = std::chrono::steady_clock::now();
    children_.step(now);
    if (children_.fd() >= 0) told_.emplace(io_, children_.fd(), [this] { step(); });
    due_.expires_at(children_.next(now));
    due_.async_wait([this](const boost::system::error_code& error) {
      if (!error) step();
    });
  }

  boost::asio::io_context& io_;
  Children& children_;
  boost::asio::steady_timer due_;
  std::optional<FdWatch> told_;
};

// Nothing where none is configured.
Result<std::unique_ptr<MetricsServer>> serve_metrics(boost::asio::io_context& io, Gateway& gateway,
                                                     const std::optional<Children>& children) {
  const auto& listen = gateway.config().metrics;
  if (!listen) return std::unique_ptr<MetricsServer>();
  return MetricsServer::create(io, listen->address, listen->port, [&]() -> Result<std::string> {
    const auto now = snapshot(gateway, children);
    if (!now) return now.error();
    return metrics_text(*now);
  });
}

int serve(const Config& config, const MakesProvider& makes) {
  if (const Status hidden = hide_process(); !hidden) return fail(hidden.error().what);
  const Fd signals = catch_signals();
  auto gateway = Gateway::create(config, makes);
  if (!gateway) return fail(gateway.error().what);
  auto control = ControlSocket::open(config.control);
  if (!control) return fail(control.error().what);
  boost::asio::io_context io{1};
  std::optional<Children> children;
  const auto metrics = serve_metrics(io, **gateway, children);
  if (!metrics) return fail(metrics.error().what);
  if (!drop_privileges(config.shared)) return fail("capabilities cannot be dropped");
  (*gateway)->start();
  std::optional<Attendance> attendance;
  if (config.charon) {
    children.emplace(**gateway, *config.charon);
    attendance.emplace(io, *children);
  }
  const FdWatch ended(io, signals.get(), [&io] { io.stop(); });
  const FdWatch asked(io, control->fd(), [&] {
    control->serve_one([&]() -> Result<nlohmann::ordered_json> {
      const auto now = snapshot(**gateway, children);
      if (!now) return now.error();
      return to_json(*now);
    });
  });
  ::sd_notify(0, "READY=1");
  io.run();
  ::sd_notify(0, "STOPPING=1");
  return (*gateway)->lost_device() ? fail("the interface " + config.interface + " was taken away") : 0;
}

int run_config(const std::string& file, bool check, const MakesProvider& makes) {
  std::ifstream in(file);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in) return fail(file + ": cannot be read");
  const ConfigOutcome outcome = parse_config(text, file);
  for (const std::string& error : outcome.errors) std::cerr << "vped: " << error << "\n";
  if (!outcome.config) return 2;
  return check ? 0 : serve(*outcome.config, makes);
}

}  // namespace

int run_program(int argc, char** argv, const MakesProvider& makes) {
  CLI::App app{"Gateway of the user-space data plane VPE."};
  std::string file = "/etc/hasyncd/vped.toml", own, peer;
  bool check = false;
  app.add_option("-c,--config", file, "configuration file")->capture_default_str();
  app.add_flag("--check", check, "only check the configuration");
  app.set_version_flag("--version", HASYNC_VERSION);
  CLI::App* keygen =
      app.add_subcommand("keygen", "make the keys of one tunnel: this gateway's file and its peer's");
  keygen->add_option("OWN", own, "file to make")->required();
  keygen->add_option("PEER", peer, "file to make, for the peer")->required();
  CLI::App* group =
      app.add_subcommand("group-keygen", "make the key of a group: one file for all its members");
  group->add_option("FILE", own, "file to make")->required();
  if (const auto end = ends_at(app, argc, argv)) return *end;
  if (!keygen->parsed() && !group->parsed()) return run_config(file, check, makes);
  const Status made = group->parsed() ? generate_group_key(own) : generate_keys(own, peer);
  return made ? 0 : fail(made.error().what);
}

}  // namespace hasync::vped
