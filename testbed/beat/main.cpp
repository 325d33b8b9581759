// hasync-beat MILLISECONDS ADDRESS OTHER...: a datagram to each of the others at this interval, and what
// comes from them is read: the traffic of heartbeats, and nothing besides. What that takes of a processor is
// the machine's share of what hasyncd takes.
#include <arpa/inet.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

constexpr std::uint16_t kPort = 7001;
constexpr std::size_t kSize = 250;  // as a sealed heartbeat among three
std::array<char, 2048> buffer;

// IPv4 in its IPv6 form (RFC 4291, section 2.5.5.2)
sockaddr_in6 address_of(const std::string& text) {
  sockaddr_in6 out{.sin6_family = AF_INET6, .sin6_port = htons(kPort)};
  const std::string form = text.find(':') == std::string::npos ? "::ffff:" + text : text;
  if (inet_pton(AF_INET6, form.c_str(), &out.sin6_addr) == 1) return out;
  std::fprintf(stderr, "hasync-beat: '%s' is no address\n", text.c_str());
  std::exit(1);
}

int checked(int result, const char* what) {
  if (result >= 0) return result;
  std::perror(what);
  std::exit(1);
}

const sockaddr* plain(const sockaddr_in6& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

int bound(const sockaddr_in6& local) {
  const int out = checked(socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0), "socket");
  checked(bind(out, plain(local), sizeof local), "bind");
  return out;
}

int every(long milliseconds) {
  const int out = checked(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), "timerfd_create");
  const timespec time{milliseconds / 1000, milliseconds % 1000 * 1'000'000};
  const itimerspec interval{time, time};
  checked(timerfd_settime(out, 0, &interval, nullptr), "timerfd_settime");
  return out;
}

void watch(int epoll, int fd) {
  epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
  checked(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: hasync-beat MILLISECONDS ADDRESS OTHER...\n");
    return 1;
  }
  const int heartbeats = bound(address_of(argv[2]));
  std::vector<sockaddr_in6> others;
  for (int i = 3; i < argc; ++i) others.push_back(address_of(argv[i]));
  const int timer = every(std::atol(argv[1]));
  const int epoll = checked(epoll_create1(0), "epoll_create1");
  watch(epoll, heartbeats);
  watch(epoll, timer);
  for (;;) {
    epoll_event event{};
    if (epoll_wait(epoll, &event, 1, -1) != 1) continue;
    if (event.data.fd == heartbeats) {
      recv(heartbeats, buffer.data(), buffer.size(), 0);
    } else if (read(timer, buffer.data(), buffer.size()) > 0) {
      for (const sockaddr_in6& other : others)
        sendto(heartbeats, buffer.data(), kSize, 0, plain(other), sizeof other);
    }
  }
}
