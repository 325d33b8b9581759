// hasync-capture: records a device, or judges recordings. Status of `check`: 0 clean, 1 a violation, 2
// unreadable.
#include <CLI/CLI.hpp>
#include <csignal>
#include <iostream>
#include <nlohmann/json.hpp>

#include "testbed/capture/adapters/pcap_reader.h"
#include "testbed/capture/adapters/pcap_recorder.h"
#include "testbed/capture/report.h"

namespace {

using namespace hasync::testbed;

constexpr int kUnreadable = 2;
volatile std::sig_atomic_t stop_asked = 0;
void ask_stop(int) {
  stop_asked = 1;
}

struct CheckArguments {
  std::vector<std::string> files;
  std::vector<std::string> nodes;
  std::vector<std::string> gateways;
  double gap_ms = 50;
  bool json = false;
  CheckerOptions options;
};

std::string check_node(const std::string& text) {
  Mac mac;
  const auto equals = text.find('=');
  return equals != std::string::npos && equals > 0 && parse_mac(text.substr(equals + 1), mac)
             ? ""
             : "'" + text + "' is not NAME=MAC";
}

std::string check_address(const std::string& text) {
  Address address;
  return parse_address(text, address) ? "" : "'" + text + "' is not an IP address";
}

int check(CheckArguments& arguments) {
  NodeNames names;
  for (const std::string& node : arguments.nodes) {
    Mac mac;
    parse_mac(node.substr(node.find('=') + 1), mac);
    names[mac] = node.substr(0, node.find('='));
  }
  for (const std::string& text : arguments.gateways) {
    Address address;
    parse_address(text, address);
    arguments.options.ike.gateways.insert(address);
  }
  arguments.options.gap_ns = static_cast<std::int64_t>(arguments.gap_ms * 1e6);
  Checker checker(arguments.options);
  if (const auto status = read_captures(arguments.files, checker); !status) {
    std::cerr << "hasync-capture: " << status.error().what << "\n";
    return kUnreadable;
  }
  std::cout << (arguments.json ? to_json(checker, names).dump(2) + "\n" : to_text(checker, names));
  return checker.violations().empty() ? 0 : 1;
}

int record_until_stopped(const RecorderOptions& options) {
  struct sigaction action {};
  action.sa_handler = ask_stop;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  if (const auto status = record(options, stop_asked); !status) {
    std::cerr << "hasync-capture: " << status.error().what << "\n";
    return kUnreadable;
  }
  return 0;
}

void describe(CLI::App& app, CheckArguments& arguments) {
  app.add_option("files", arguments.files,
                 "captures (pcap); several are parts of one wire without a common frame")
      ->required();
  app.add_option("--node", arguments.nodes, "NAME=MAC: how to call a sender; may be repeated")
      ->check(check_node);
  app.add_option("--gateway", arguments.gateways, "an address that is never a peer's; may be repeated")
      ->check(check_address);
  app.add_option("--gap", arguments.gap_ms, "list silences longer than so many milliseconds");
  app.add_option("--jump", arguments.options.esp.jump, "list steps forward of at least so many numbers");
  app.add_flag("--already-up", arguments.options.ike.already_up,
               "the tunnels were up before the capture began");
  app.add_flag("--allow-reauthentication", arguments.options.allow_reauthentication,
               "count them, without judging");
  app.add_flag("--json", arguments.json, "one JSON object instead of text");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Records and judges what IPsec peers see on the wire."};
  app.require_subcommand(1);

  RecorderOptions recorder;
  CLI::App* record_command =
      app.add_subcommand("record", "write a device's IKE, ESP and ARP frames to FILE until SIGTERM");
  record_command->add_option("device", recorder.device)->required();
  record_command->add_option("file", recorder.file, "written as pcap, FILE.json beside it: frames, dropped")
      ->required();
  record_command->add_option("--snap", recorder.snap_length, "bytes kept of a frame")
      ->check(CLI::Range(64, 65535));

  CheckArguments arguments;
  CLI::App* check_command =
      app.add_subcommand("check", "0: clean, 1: a violation was found, 2: cannot be read");
  describe(*check_command, arguments);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUnreadable;
  }
  return record_command->parsed() ? record_until_stopped(recorder) : check(arguments);
}
