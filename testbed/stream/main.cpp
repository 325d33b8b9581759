// hasync-stream: one end of a UDP test stream in both directions. Times are CLOCK_REALTIME, nanoseconds.
#include <arpa/inet.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "testbed/stream/endpoint.h"

namespace {

volatile std::sig_atomic_t stop_asked = 0;

volatile std::sig_atomic_t may_send = 1;

void on_signal(int number) {
  (number == SIGUSR1 ? may_send : stop_asked) = 1;
}

// IPv4 in its IPv6 form (RFC 4291, section 2.5.5.2)
bool parse(const std::string& address, in6_addr& to) {
  if (address.starts_with('[') && address.ends_with(']')) {
    return inet_pton(AF_INET6, address.substr(1, address.size() - 2).c_str(), &to) == 1;
  }
  return inet_pton(AF_INET6, ("::ffff:" + address).c_str(), &to) == 1;
}

std::string check_address(const std::string& text) {
  const auto colon = text.rfind(':');
  in6_addr address{};
  if (colon == std::string::npos || !parse(text.substr(0, colon), address))
    return "'" + text + "' is neither ADDRESS:PORT with an IPv4 address nor [ADDRESS]:PORT with an IPv6 one";
  const std::string port = text.substr(colon + 1);
  if (port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != std::string::npos ||
      std::stoul(port) > 65535)
    return "port '" + port + "' is not a number from 0 to 65535";
  return {};
}

sockaddr_in6 to_address(const std::string& text) {  // after check_address
  const auto colon = text.rfind(':');
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  parse(text.substr(0, colon), address.sin6_addr);
  address.sin6_port = htons(static_cast<std::uint16_t>(std::stoul(text.substr(colon + 1))));
  return address;
}

}  // namespace

int main(int argc, char** argv) {
  hasync::testbed::EndpointOptions options;
  std::string local;
  std::string remote;
  std::string file;
  bool hold = false;
  CLI::App app{
      "Sends numbered UDP packets at a fixed rate and reports on those that come from the other end."};
  app.add_option("--name", options.name, "what event lines and the report call this end")->required();
  app.add_option("--local", local, "ADDRESS:PORT to bind")->required()->check(check_address);
  app.add_option("--remote", remote, "ADDRESS:PORT of the other end")->required()->check(check_address);
  app.add_option("--rate", options.rate, "packets a second; 0 only listens")->check(CLI::Range(0.0, 1e6));
  app.add_option("--size", options.size, "bytes of a datagram")->check(CLI::Range(24, 2048));
  app.add_option("--event-gap", options.event_gap_ms, "milliseconds of silence worth an event line");
  app.add_option("--duration", options.duration_s, "seconds to send; 0: until SIGTERM");
  app.add_option("--linger", options.linger_s, "seconds to listen on after the last packet sent");
  app.add_flag("--hold", hold, "send nothing until SIGUSR1, so that the other end can be there first");
  app.add_option("--json", file, "write the report there (default: stdout)");
  CLI11_PARSE(app, argc, argv);
  options.local = to_address(local);
  options.remote = to_address(remote);

  struct sigaction action {};
  action.sa_handler = on_signal;  // without SA_RESTART: the wait ends at once
  for (const int number : {SIGTERM, SIGINT, SIGUSR1}) sigaction(number, &action, nullptr);
  if (hold) may_send = 0;
  hasync::testbed::Endpoint endpoint(options);
  if (const std::string problem = endpoint.open(); !problem.empty()) {
    std::cerr << "hasync-stream: " << local << ": " << problem << "\n";
    return 1;
  }
  endpoint.run(may_send, stop_asked);
  if (file.empty()) {
    std::cout << endpoint.report().dump() << "\n";
    return 0;
  }
  std::ofstream out(file);
  out << endpoint.report().dump(2) << "\n";
  return out.flush() ? 0 : 1;
}
