#include "haipsec/check/findings.h"

#include <algorithm>
#include <set>

namespace hasync::haipsec {

std::string to_string(Level level) {
  if (level == Level::Ok) return "ok";
  return level == Level::Warning ? "warning" : "error";
}

void Report::error(const std::string& id, const std::string& what, const std::string& remedy) {
  findings_.push_back({Level::Error, id, what, remedy});
}

void Report::warning(const std::string& id, const std::string& what, const std::string& remedy) {
  findings_.push_back({Level::Warning, id, what, remedy});
}

void Report::ok(const std::string& id, const std::string& what) {
  if (std::ranges::find(findings_, id, &Finding::id) == findings_.end())
    findings_.push_back({Level::Ok, id, what, ""});
}

Level worst_of(const std::vector<Finding>& findings) {
  Level out = Level::Ok;
  for (const Finding& finding : findings) out = std::max(out, finding.level);
  return out;
}

std::vector<Finding> findings(const Facts& facts) {
  Report report;
  check_machine(facts.machine, facts.version, report);
  if (facts.cluster) {
    check_cluster(*facts.cluster, facts.version, report);
  } else {
    report.error("hasyncd", facts.cluster.error().what,
                 "systemctl start hasyncd; why it ended stands in journalctl -u hasyncd");
  }
  check_paths(facts, report);
  return report.take();
}

std::set<bool> families_of(const std::vector<clusterip::Vip>& vips) {
  std::set<bool> out;
  for (const clusterip::Vip& vip : vips) out.insert(vip.address.is_v4());
  return out;
}

namespace {

bool covers(const Route& route, const Address& address) {
  for (unsigned bit = 0; bit < route.prefix; ++bit) {
    const unsigned mask = 0x80U >> bit % 8;
    if (((route.network.bytes[bit / 8] ^ address.bytes[bit / 8]) & mask) != 0) return false;
  }
  return true;
}

// As the kernel would choose: all of the longest prefix, since their metrics may change.
std::set<std::string> ways_to(const Address& peer, const std::vector<Route>& routes) {
  std::set<std::string> out;
  unsigned longest = 0;
  for (const Route& route : routes) {
    if (!covers(route, peer) || route.network.is_v4() != peer.is_v4() || route.prefix < longest) continue;
    if (route.prefix > longest) out.clear();
    longest = route.prefix;
    out.insert(route.interface);
  }
  return out;
}

std::set<std::string> default_ways(bool v4, const std::vector<Route>& routes) {
  std::set<std::string> out;
  for (const Route& route : routes) {
    if (route.network.is_v4() == v4 && route.prefix == (v4 ? 96U : 0U)) out.insert(route.interface);
  }
  return out;
}

struct Remotes {
  std::set<Address> known;
  bool anywhere = false;
};

// "192.0.2.10,198.51.100.0/24,%any": names are left to charon.
void add_remotes(const std::string& text, Remotes& out) {
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    std::string one = text.substr(begin, end - begin);
    one.erase(0, one.find_first_not_of(' '));
    if (one.rfind("%any", 0) == 0 || one == "0.0.0.0/0" || one == "::/0") out.anywhere = true;
    const auto address = Address::parse(one.substr(0, one.find_first_of("/-")));
    if (address && !out.anywhere) out.known.insert(*address);
    begin = end + 1;
  }
}

Remotes remotes_of(const Facts& facts) {
  Remotes out;
  if (facts.cluster) out.known.insert(facts.cluster->peers.begin(), facts.cluster->peers.end());
  if (!facts.machine.charon) return out;
  for (const auto& connection : facts.machine.charon->connections) add_remotes(connection.remote, out);
  return out;
}

}  // namespace

void check_paths(const Facts& facts, Report& report) {
  const auto& config = facts.machine.config.config;
  if (!config || config->role == hasyncd::Config::Role::Witness) return;
  const std::set<std::string> checked(config->interfaces.begin(), config->interfaces.end());
  const auto judge = [&](const std::set<std::string>& ways, const std::string& whom) {
    for (const std::string& interface : ways) {
      if (checked.contains(interface)) continue;
      report.error(
          "paths", interface + " leads to " + whom + ", and no packet is checked there",
          "add \"" + interface + "\" to clusterip.interfaces in the configuration, or take the route away");
    }
  };
  const Remotes remotes = remotes_of(facts);
  std::set<std::string> told;  // one line for each interface, however many peers are behind it
  for (const Address& peer : remotes.known) {
    std::set<std::string> ways = ways_to(peer, facts.machine.routes);
    std::erase_if(ways, [&](const std::string& way) { return !told.insert(way).second; });
    judge(ways, "the peer " + to_string(peer));
  }
  for (const bool v4 : families_of(config->vips)) {
    if (!remotes.anywhere) break;
    std::set<std::string> ways = default_ways(v4, facts.machine.routes);
    std::erase_if(ways, [&](const std::string& way) { return told.contains(way); });
    judge(ways, "peers at any address");
  }
  report.ok("paths", "packets are checked on every interface that leads to a peer");
}

}  // namespace hasync::haipsec
