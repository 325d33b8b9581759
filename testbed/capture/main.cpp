#include <CLI/CLI.hpp>
#include <iostream>

#include "testbed/capture/adapters/pcap_recorder.h"

namespace {
volatile std::sig_atomic_t stop_asked = 0;
void ask_stop(int) {
  stop_asked = 1;
}
}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Records and judges captures."};
  app.require_subcommand(1);
  hasync::testbed::RecorderOptions options;
  auto* record = app.add_subcommand("record", "write frames of a device to a file until SIGTERM");
  record->add_option("device", options.device)->required();
  record->add_option("file", options.file)->required();
  CLI11_PARSE(app, argc, argv);
  struct sigaction action {};
  action.sa_handler = ask_stop;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  if (const auto status = hasync::testbed::record(options, stop_asked); !status) {
    std::cerr << "hasync-capture: " << status.error().what << "\n";
    return 2;
  }
  return 0;
}
