#include "haipsec/program.h"

#include "base/adapters/command_line.h"
#include "haipsec/tunnels.h"

namespace hasync::haipsec {
namespace {

constexpr const char* kExamples = R"(
Examples:
  haipsec check                          what is wrong, and what to do
  haipsec status                         how this node and its cluster are
  haipsec tunnels --json                 every tunnel, as one JSON object
  haipsec show branch-7                  one tunnel, with its leases
  haipsec events --follow                what happens, as it happens
  haipsec migrate --to gw2               hand everything over to gw2
  haipsec get branch-7 b7.ctx --release  take a tunnel out of this gateway (no cluster needed)
  haipsec put b7.ctx                     and go on with it at this one
  haipsec key rotate --witness w.key     begin to replace the cluster's key
  haipsec keygen --out /etc/hasyncd/key --witness witness.key
Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 hasyncd not reachable;
            check: 0 all well, 4 warnings, 5 errors)";

class Program {
 public:
  explicit Program(const Heavy& heavy)
      : app_("Looks at and steers a hasyncd cluster of IPsec gateways.", "haipsec") {
    app_.require_subcommand(1);
    app_.footer(kExamples);
    app_.fallthrough();
    app_.add_flag("--json", options_.json, "Print one JSON object");
    app_.add_option("--socket", options_.socket, "hasyncd's control socket")->capture_default_str();
    add("check", "What is wrong on this node and in its cluster, and what to do", heavy.check)
        ->add_option("--config", options_.config, "hasyncd's configuration")
        ->capture_default_str();
    add("status", "How this node and its cluster are", status);
    add("nodes", "All nodes of the cluster", nodes);
    add_tunnels();
    add("show", "One tunnel", show)
        ->add_option("TUNNEL", options_.tunnel, "Name of the connection, or the initiator's SPI")
        ->required();
    add("migrate", "Hand everything over to another gateway, without loss", migrate)
        ->add_option("--to", options_.to, "Name or id of the node; without it the best one is taken");
    add("failover", "Have this node give up at once; another gateway takes over", failover);
    add("takeover", "Two gateways without a witness: go on alone here. Every peer has to connect anew",
        takeover)
        ->add_flag(
            "--other-is-off", options_.other_is_off,
            "You have seen that the other gateway is without power, or cut off from all peers. If it is "
            "not, there will be two")
        ->required();
    add("events", "What hasyncd has logged lately (docs/messages.md)", events)
        ->add_flag("--follow", options_.follow, "And what happens from now on, as it happens");
    add("reload", "Have hasyncd read its configuration again: all of it, or nothing", reload);
    add_get(heavy.get);
    add_put(heavy.put);
    add_keygen(heavy.keygen);
    add_key(heavy);
    add("vpe", "The tunnels of this machine's vped", vpe)
        ->add_option("--vped", options_.vped, "vped's control socket")
        ->capture_default_str();
    add("version", "Versions of haipsec and hasyncd", version);
  }

  int run(int argc, char** argv) {
    const auto end = ends_at(app_, argc, argv);
    return end ? *end : command_(options_);
  }

 private:
  CLI::App* add(const std::string& name, const std::string& help, const Command& command) {
    return app_.add_subcommand(name, help)->callback([this, command] { command_ = command; });
  }

  void add_tunnels() {
    CLI::App* list = add("tunnels", "All tunnels that this node knows", tunnels);
    list->add_option("--peer", options_.peer,
                     "Only those of this peer: its address or identity, or the name of its connection");
    list->add_option("--state", options_.state, "Only those that are so here")
        ->check(CLI::IsMember(tunnel_states()));
  }

  void add_charon(CLI::App* app) {
    app->add_option("--charon", options_.charon, "Socket of charon's hasync plugin")->capture_default_str();
    app->add_option("--key", options_.key, "Key file that seals the context file")->capture_default_str();
    app->add_flag("--plain", options_.plain,
                  "DANGEROUS: the file holds the tunnel's keys for everybody to read");
  }

  void add_get(const Command& command) {
    CLI::App* get = add("get", "Write a tunnel of this gateway's charon into a file", command);
    get->add_option("TUNNEL", options_.tunnel, "Name of the connection, or the start of the initiator's SPI")
        ->required();
    get->add_option("FILE", options_.file, "File to make")->required();
    get->add_flag("--release", options_.release, "Then forget it here; the peer is told nothing");
    add_charon(get);
  }

  void add_put(const Command& command) {
    CLI::App* put = add("put", "Go on at this gateway's charon with a tunnel from a file", command);
    put->add_option("FILE", options_.file, "File that `haipsec get` made")->required();
    put->add_option("--skip", options_.skip, "Sequence numbers left out, for what was sent after `get`")
        ->capture_default_str();
    add_charon(put);
  }

  void add_keygen(const Command& command) {
    CLI::App* keygen = add("keygen", "Make the cluster's keys", command);
    keygen->add_option("--out", options_.file, "File, or folder for a file \"key\"; never overwritten")
        ->default_str("/etc/hasyncd/key");
    keygen->add_option("--witness", options_.witness,
                       "Also make the witness's file, which cannot open contexts");
    keygen->preparse_callback([this](std::size_t) { options_.file = "/etc/hasyncd/key"; });
  }

  void add_key(const Heavy& heavy) {
    CLI::App* key = app_.add_subcommand("key", "Look at the cluster's keys, and change them while all runs");
    key->require_subcommand(1);
    key->add_option("--key", options_.key, "Key file of this node")->capture_default_str();
    const auto add_step = [&](const char* name, const char* help, const Command& command) {
      return key->add_subcommand(name, help)->callback([this, command] { command_ = command; });
    };
    add_step("status", "Which node has which keys, and seals with which", heavy.key_status);
    add_step("rotate", "Add a new key to this gateway's file", heavy.key_rotate)
        ->add_option("--witness", options_.witness, "Also make the new file of the witness");
    add_step("reload", "Have hasyncd read the key file again", heavy.key_reload);
    add_step("retire", "Leave only the newest key, if no node needs another", heavy.key_retire);
    for (CLI::App* step : key->get_subcommands({})) step->fallthrough();
  }

  CLI::App app_;
  Options options_;
  Command command_;
};

}  // namespace

int run(int argc, char** argv, const Heavy& heavy) {
  return Program(heavy).run(argc, argv);
}

}  // namespace hasync::haipsec
