// haipsec: the operator's command. Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 hasyncd not
// reachable.
#include <CLI/CLI.hpp>
#include <iostream>

#include "haipsec/commands.h"

namespace {

using hasync::haipsec::Options;
using Command = int (*)(const Options&);

constexpr const char* kExamples = R"(
Examples:
  haipsec status                         how this node and its cluster are
  haipsec tunnels --json                 every tunnel, as one JSON object
  haipsec show branch-7                  one tunnel, with its leases
  haipsec migrate --to gw2               hand everything over to gw2
  haipsec keygen --out /etc/hasyncd/key --witness witness.key
Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 hasyncd not reachable)";

class Program {
 public:
  Program() : app_("Looks at and steers a hasyncd cluster of IPsec gateways.", "haipsec") {
    app_.require_subcommand(1);
    app_.footer(kExamples);
    app_.fallthrough();
    app_.add_flag("--json", options_.json, "Print one JSON object");
    app_.add_option("--socket", options_.socket, "hasyncd's control socket")->capture_default_str();
    add("status", "How this node and its cluster are", hasync::haipsec::status);
    add("nodes", "All nodes of the cluster", hasync::haipsec::nodes);
    add("tunnels", "All tunnels that this node knows", hasync::haipsec::tunnels);
    add("show", "One tunnel", hasync::haipsec::show)
        ->add_option("TUNNEL", options_.tunnel, "Name of the connection, or the initiator's SPI")
        ->required();
    add("migrate", "Hand everything over to another gateway, without loss", hasync::haipsec::migrate)
        ->add_option("--to", options_.to, "Name or id of the node; without it the best one is taken");
    add("failover", "Have this node give up at once; another gateway takes over", hasync::haipsec::failover);
    add_keygen();
    add("version", "Versions of haipsec and hasyncd", hasync::haipsec::version);
  }

  int run(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      return app_.exit(error) == 0 ? hasync::haipsec::kOk : hasync::haipsec::kUsage;
    }
    return command_(options_);
  }

 private:
  CLI::App* add(const std::string& name, const std::string& help, Command command) {
    return app_.add_subcommand(name, help)->callback([this, command] { command_ = command; });
  }

  void add_keygen() {
    CLI::App* keygen = add("keygen", "Make the cluster's keys", hasync::haipsec::keygen);
    keygen->add_option("--out", options_.file, "File, or folder for a file \"key\"; never overwritten")
        ->default_str("/etc/hasyncd/key");
    keygen->add_option("--witness", options_.witness,
                       "Also make the witness's file, which cannot open contexts");
    keygen->preparse_callback([this](std::size_t) { options_.file = "/etc/hasyncd/key"; });
  }

  CLI::App app_;
  Options options_;
  Command command_ = nullptr;
};

}  // namespace

int main(int argc, char** argv) {
  return Program().run(argc, argv);
}
