#include "hasyncd/control.h"

#include <grp.h>

#include <algorithm>
#include <charconv>

#include "hasyncd/config_change.h"
#include "hasyncd/status_of.h"
#include "hasyncd/tunnels_of.h"

namespace hasync::hasyncd {

namespace {

Result<NodeId> node_named(const Config& config, const std::string& text) {
  for (const Config::Member& member : config.members) {
    if (member.name == text || std::to_string(member.id.value) == text) return member.id;
  }
  return Error{Errc::NotFound, "no member is called \"" + text + "\""};
}

Result<std::optional<std::uint32_t>> group_named(const std::string& key, const std::string& name) {
  if (name.empty()) return std::optional<std::uint32_t>{};
  const group* found = ::getgrnam(name.c_str());
  if (found != nullptr) return std::optional<std::uint32_t>{found->gr_gid};
  return Error{Errc::NotFound, "control." + key + ": there is no group \"" + name + "\" on this machine"};
}

Result<ControlGroups> groups_of(const Config& config) {
  const auto admin = group_named("admin_group", config.admin_group);
  if (!admin) return admin.error();
  const auto read = group_named("read_group", config.read_group);
  if (!read) return read.error();
  return ControlGroups{*admin, *read};
}

}  // namespace

Result<std::unique_ptr<Control>> Control::create(boost::asio::io_context& io, Daemon& daemon, EventFeed& log,
                                                 Reload reload) {
  std::unique_ptr<Control> control(new Control(daemon, log, std::move(reload)));
  const auto groups = groups_of(daemon.config());
  if (!groups) return groups.error();
  auto server = ControlServer::create(
      io, daemon.config().control_socket, *groups,
      [self = control.get()](const ControlRequest& request, Access access,
                             const ControlServer::Reply& reply) { self->answer(request, access, reply); });
  if (!server) return server.error();
  control->server_ = *std::move(server);
  return control;
}

Result<std::string> Control::swap() {
  ConfigOutcome read = load_config(reload_.file);
  if (!read.config) {
    std::string all;
    for (const std::string& error : read.errors) all += (all.empty() ? "" : "; ") + error;
    return invalid(all);
  }
  const ConfigChange change = change_of(daemon_.config(), *read.config);
  if (!change.restart.empty())
    return Error{Errc::Conflict,
                 "nothing was changed: hasyncd must be restarted for " + listed(change.restart)};
  if (const Status fits = daemon_.fits(*read.config); !fits) return fits.error();
  const auto groups = groups_of(*read.config);
  if (!groups) return groups.error();
  if (const Status used = server_->use(*groups); !used) return used.error();
  // Nothing fails from here on.
  daemon_.use(*std::move(read.config));
  reload_.applied(daemon_.config());
  return change.live.empty() ? "nothing has changed" : "changed: " + listed(change.live);
}

Result<std::string> Control::reload() {
  Result<std::string> swapped = swap();
  if (swapped) {
    log_.info("reloaded", {{"text", *swapped}});
  } else {
    log_.warning("reload-refused", {{"error", swapped.error().what}});
  }
  return swapped;
}

void Control::answer(const ControlRequest& request, Access access, const ControlServer::Reply& reply) {
  const Access needed = needed_for(request.command);
  if (access < needed) {
    ++denied_;
    return reply(Error{Errc::Denied, "\"" + request.command + "\" needs the role " + to_string(needed) +
                                         ", yours is " + to_string(access)});
  }
  if (request.command != "check") return reply(carry_out(request));
  daemon_.look_around();
  daemon_.inquirer().ask([this, reply] { reply(check_status(daemon_)); });
}

NodeStatus Control::status() const {
  NodeStatus out = node_status(daemon_);
  out.counters.emplace_back("control_denied", denied_ + server_->counters().denied);
  return out;
}

ControlAnswer Control::carry_out(const ControlRequest& request) {
  if (request.command == "status" || request.command == "nodes") return status();
  if (request.command == "keys") return key_status(daemon_);
  if (request.command == "reload-keys") {
    if (const Status loaded = daemon_.reload_keys(); !loaded) return loaded.error();
    return key_status(daemon_);
  }
  if (request.command == "reload") {
    const auto swapped = reload();
    if (!swapped) return swapped.error();
    return Accepted{*swapped};
  }
  if (request.command == "events") return events(request);
  if (request.command == "tunnels") return tunnels(request);
  if (request.command == "show") return show(request);
  if (request.command == "migrate") return migrate(request);
  if (request.command == "failover") {
    if (const Status moved = daemon_.fail_over(); !moved) return moved.error();
    return Accepted{"the fence is closed here; another gateway takes over"};
  }
  if (request.command == "takeover") return take_over(request);
  return Error{Errc::NotFound, "unknown command \"" + request.command + "\""};
}

ControlAnswer Control::events(const ControlRequest& request) {
  if (request.argument("follow") == "true") return EventStream{log_.follow()};
  return EventList{{log_.newest().begin(), log_.newest().end()}};
}

ControlAnswer Control::migrate(const ControlRequest& request) {
  const auto to = request.argument("to");
  if (!to) {
    if (const Status moved = daemon_.fail_over(); !moved) return moved.error();
    return Accepted{"everything of this node moves"};
  }
  const auto node = node_named(daemon_.config(), *to);
  if (!node) return node.error();
  if (const Status moved = daemon_.move(*node); !moved) return moved.error();
  return Accepted{"everything of this node moves to " + *to};
}

ControlAnswer Control::take_over(const ControlRequest& request) {
  if (request.argument("other_is_off") != "true")
    return invalid("takeover: only on the word that the other node is off (other_is_off: true)");
  if (const Status taken = daemon_.take_alone(); !taken) return taken.error();
  return Accepted{"this node takes over; every peer has to connect anew"};
}

ControlAnswer Control::tunnels(const ControlRequest& request) {
  const auto after = request.argument("after");
  if (!after) return tunnel_page(daemon_, std::nullopt);
  const auto sa = parse_sa_id(*after);
  if (!sa) return invalid("tunnels: `after` is none of the `next` that were given");
  return tunnel_page(daemon_, *sa);
}

ControlAnswer Control::show(const ControlRequest& request) {
  const auto wanted = request.argument("tunnel");
  if (!wanted) return invalid("show: `tunnel` is missing");
  if (auto tunnel = tunnel_named(daemon_, *wanted)) return *std::move(tunnel);
  return Error{Errc::NotFound,
               "no tunnel is called \"" + *wanted + "\": its SPIs, connection, peer or address are accepted"};
}

}  // namespace hasync::hasyncd
