// hasyncd: arguments, configuration, run, exit code.
#include <boost/asio/signal_set.hpp>
#include <iostream>

#include "base/adapters/command_line.h"
#include "base/adapters/hidden_process.h"
#include "base/adapters/metrics_server.h"
#include "hasyncd/adapters/metrics_text.h"
#include "hasyncd/adapters/privileges.h"
#include "hasyncd/adapters/realtime.h"
#include "hasyncd/adapters/service_notifier.h"
#include "hasyncd/adapters/stderr_log.h"
#include "hasyncd/control.h"
#include "hasyncd/daemon.h"
#include "hasyncd/status_of.h"

namespace {

using namespace hasync::hasyncd;  // NOLINT(google-build-using-namespace): this is its program

int fail(const std::string& text) {
  std::cerr << "hasyncd: " << text << "\n";
  return 1;
}

void reload_at_hangup(boost::asio::signal_set& hangup, Control& control) {
  hangup.async_wait([&](const boost::system::error_code& error, int) {
    if (error) return;
    (void)control.reload();  // the log tells how it went
    reload_at_hangup(hangup, control);
  });
}

// Nothing where none is configured.
hasync::Result<std::unique_ptr<hasync::MetricsServer>> serve_metrics(boost::asio::io_context& io,
                                                                     const Daemon& daemon,
                                                                     const Control& control) {
  const auto& listen = daemon.config().metrics;
  if (!listen) return std::unique_ptr<hasync::MetricsServer>();
  return hasync::MetricsServer::create(io, listen->address, listen->port, [&daemon, &control] {
    return metrics_text(metrics_status(daemon, control.status()));
  });
}

int serve(const Config& config, const std::string& file) {
  if (const hasync::Status hidden = hasync::hide_process(); !hidden) return fail(hidden.error().what);
  StderrLog lines(severity_of(config.log_level), journal_is_attached());
  EventFeed log(lines, wall_clock);
  if (config.realtime) {
    const hasync::Status raised = run_in_real_time();
    if (!raised) log.warning("not-realtime", {{"error", raised.error().what}});
  }
  const ServiceNotifier notifier;
  boost::asio::io_context io{1};
  auto daemon = Daemon::create(io, config, log);
  if (!daemon) return fail(daemon.error().what);
  auto control = Control::create(io, **daemon, log, {file, [&lines](const Config& applied) {
                                                       lines.log_from(severity_of(applied.log_level));
                                                     }});
  if (!control) return fail(control.error().what);
  const auto metrics = serve_metrics(io, **daemon, **control);
  if (!metrics) return fail(metrics.error().what);
  boost::asio::signal_set signals(io, SIGTERM, SIGINT);
  signals.async_wait([&](const boost::system::error_code& error, int) {
    notifier.stopping();
    if (!error) (*daemon)->stop();
  });
  boost::asio::signal_set hangup(io, SIGHUP);
  reload_at_hangup(hangup, **control);
  if (const hasync::Status kept = stay_in_memory(); !kept) {
    log.warning("not-in-memory", {{"error", kept.error().what}});
  }
  const hasync::Status dropped = drop_privileges(config.role == Config::Role::Gateway);
  if (!dropped) return fail(dropped.error().what);
  (*daemon)->start();
  notifier.ready();
  io.run();
  return (*daemon)->failed() ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"High availability for IPsec gateways: the daemon."};
  std::string file = "/etc/hasyncd/hasyncd.toml";
  bool check = false;
  app.add_option("-c,--config", file, "configuration file")->capture_default_str();
  app.add_flag("--check", check, "only check the configuration, and print it as it is in effect");
  app.set_version_flag("--version", HASYNC_VERSION);
  if (const auto end = hasync::ends_at(app, argc, argv)) return *end;

  const ConfigOutcome outcome = load_config(file);
  for (const std::string& warning : outcome.warnings) std::cerr << "hasyncd: warning: " << warning << "\n";
  for (const std::string& error : outcome.errors) std::cerr << "hasyncd: " << error << "\n";
  if (!outcome.config) return 2;
  if (check) {
    std::cout << to_text(*outcome.config);
    return 0;
  }
  return serve(*outcome.config, file);
}
