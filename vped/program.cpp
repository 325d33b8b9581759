#include "vped/program.h"

#include <cap-ng.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/adapters/hidden_process.h"
#include "vped/adapters/control_socket.h"
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

int wait_for(const std::optional<Children>& children) {
  const auto now = std::chrono::steady_clock::now();
  if (!children || children->next(now) == ChildTable::Time::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(children->next(now) - now).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

// Until a signal ends it.
void attend(const Fd& signals, const ControlSocket& control, Gateway& gateway,
            std::optional<Children>& children) {
  const auto status = [&]() -> Result<nlohmann::ordered_json> {
    const auto workers = gateway.status();
    if (!workers) return workers.error();
    const auto charon = children ? std::optional(children->is_connected()) : std::nullopt;
    return to_json(gateway.config(), gateway.tunnels(), gateway.cipher(), charon, *workers);
  };
  for (;;) {
    if (children) children->step(std::chrono::steady_clock::now());
    std::array<pollfd, 3> waiting = {
        {{signals.get(), POLLIN, 0}, {control.fd(), POLLIN, 0}, {children ? children->fd() : -1, POLLIN, 0}}};
    if (::poll(waiting.data(), waiting.size(), wait_for(children)) < 0 || waiting[0].revents != 0) return;
    if (waiting[1].revents != 0) control.serve_one(status);
  }
}

int serve(const Config& config, const MakesProvider& makes) {
  if (const Status hidden = hide_process(); !hidden) return fail(hidden.error().what);
  const Fd signals = catch_signals();
  auto gateway = Gateway::create(config, makes);
  if (!gateway) return fail(gateway.error().what);
  auto control = ControlSocket::open(config.control);
  if (!control) return fail(control.error().what);
  if (!drop_privileges(config.shared)) return fail("capabilities cannot be dropped");
  (*gateway)->start();
  std::optional<Children> children;
  if (config.charon) children.emplace(**gateway, *config.charon);
  ::sd_notify(0, "READY=1");
  attend(signals, *control, **gateway, children);
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
  CLI11_PARSE(app, argc, argv);
  if (!keygen->parsed() && !group->parsed()) return run_config(file, check, makes);
  const Status made = group->parsed() ? generate_group_key(own) : generate_keys(own, peer);
  return made ? 0 : fail(made.error().what);
}

}  // namespace hasync::vped
