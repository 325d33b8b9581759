// hasync-standin: charon with its plugin (FakePlugin) and the kernel's ESP, for measurements where neither is
// what is measured. Each datagram that comes to the port becomes one ESP packet of the first SA, numbered as
// a kernel would. What is encrypted is made up; gate and fence judge it all the same. Runs until it is
// killed.
#include <arpa/inet.h>
#include <netinet/ip.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "tests/support/context_samples.h"
#include "tests/support/fake_plugin.h"

namespace hasync::test {
namespace {

struct Settings {
  std::string socket;
  std::uint32_t sas = 1;
  in_addr vip{};
  in_addr peer{};
  std::uint16_t port = 7000;
};

constexpr std::uint32_t kSpi = 0xd0000001;         // outbound, of the first SA
constexpr std::uint32_t kOtherPeers = 0xc6120000;  // 198.18.0.0/15 (RFC 2544)
constexpr std::size_t kPayload = 200;

struct EspPacket {
  iphdr ip;
  std::uint32_t spi;
  std::uint32_t number;
  std::array<std::uint32_t, 2> iv;
  std::array<char, kPayload> text;
};

int must(int result, const char* what) {
  if (result >= 0) return result;
  std::perror(what);
  std::exit(1);
}

SaId sa(std::uint64_t i) {
  return {1 + i, 1 + i};
}

// The first SA's peer is the given one; every other has its own.
std::string context(std::uint32_t i, const Settings& settings) {
  proto::Context out = sample_context();
  out.mutable_ike()->set_initiator_spi(sa(i).initiator_spi);
  out.mutable_ike()->set_responder_spi(sa(i).responder_spi);
  const std::uint32_t peer = i == 0 ? settings.peer.s_addr : htonl(kOtherPeers + i);
  out.mutable_ike()->mutable_remote()->set_address(&peer, sizeof peer);
  proto::ChildSa& child = *out.mutable_children(0);
  child.set_inbound_spi(0xc0000001 + i);
  child.set_outbound_spi(kSpi + i);
  child.set_outbound_number(0);
  return out.SerializeAsString();
}

int receive_at(std::uint16_t port) {
  const int fd = must(::socket(AF_INET, SOCK_DGRAM, 0), "UDP socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  must(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), "UDP port");
  return fd;
}

// In all threads that are started from here on.
int take_signal(int number) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  must(sigprocmask(SIG_BLOCK, &set, nullptr), "sigprocmask");
  return must(signalfd(-1, &set, 0), "signalfd");
}

// The last number that counts as used: what was installed, and what this program has sent since.
std::uint64_t used(const FakePlugin& charon, std::uint64_t sent) {
  const auto first = charon.context(sa(0));
  proto::Context installed;
  if (!first || !installed.ParseFromString(*first)) return sent;
  return std::max(sent, installed.children(0).outbound_number());
}

// What the gate refuses is lost and its number used, as in a kernel. The explicit IV repeats the number
// (RFC 4106, section 3.1).
void send_esp(int fd, const Settings& settings, std::uint64_t number) {
  EspPacket packet{};
  packet.ip.version = 4;
  packet.ip.ihl = sizeof packet.ip / 4;
  packet.ip.ttl = 64;
  packet.ip.protocol = IPPROTO_ESP;
  packet.ip.saddr = settings.vip.s_addr;
  packet.ip.daddr = settings.peer.s_addr;
  packet.spi = htonl(kSpi);
  packet.number = htonl(static_cast<std::uint32_t>(number));
  packet.iv[1] = packet.number;
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr = settings.peer;
  (void)::sendto(fd, &packet, sizeof packet, 0, reinterpret_cast<sockaddr*>(&to), sizeof to);
}

void run(const Settings& settings) {
  const int asked = take_signal(SIGUSR1);
  const int clear = receive_at(settings.port);
  const int cipher = must(::socket(AF_INET, SOCK_RAW, IPPROTO_RAW), "raw socket");
  FakePlugin charon(settings.socket);
  std::uint64_t number = 0;
  std::array<pollfd, 2> ready{{{clear, POLLIN, 0}, {asked, POLLIN, 0}}};
  while (::poll(ready.data(), ready.size(), -1) > 0) {
    std::array<char, sizeof(signalfd_siginfo)> taken{};
    if (ready[0].revents != 0 && ::recv(clear, taken.data(), taken.size(), 0) >= 0) {
      number = used(charon, number) + 1;
      send_esp(cipher, settings, number);
    }
    if (ready[1].revents != 0 && ::read(asked, taken.data(), taken.size()) > 0) {
      for (std::uint32_t i = 0; i < settings.sas; ++i) charon.change(sa(i), context(i, settings));
    }
  }
}

}  // namespace
}  // namespace hasync::test

int main(int argc, char** argv) {
  hasync::test::Settings settings;
  std::string vip;
  std::string peer;
  CLI::App app{"Stands in for charon and the kernel's ESP where hasyncd and the eBPF programs are measured."};
  app.add_option("--socket", settings.socket, "where the plugin's socket is")->required();
  app.add_option("--sas", settings.sas, "at SIGUSR1 charon answers for so many new IKE_SAs")
      ->check(CLI::Range(1, 100000));
  app.add_option("--vip", vip, "source of ESP packets")->required()->check(CLI::ValidIPV4);
  app.add_option("--peer", peer, "their destination")->required()->check(CLI::ValidIPV4);
  app.add_option("--port", settings.port, "UDP port whose datagrams become ESP packets");
  CLI11_PARSE(app, argc, argv);
  inet_pton(AF_INET, vip.c_str(), &settings.vip);
  inet_pton(AF_INET, peer.c_str(), &settings.peer);
  hasync::test::run(settings);
}
