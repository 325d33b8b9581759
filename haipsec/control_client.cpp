#include "haipsec/control_client.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

namespace hasync::haipsec {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kLargestReply = 64U << 20U;

struct Closer {
  int fd;
  ~Closer() { ::close(fd); }
};

Error unreachable(const std::string& socket, const std::string& who) {
  return {Errc::NotFound, who + " does not answer at " + socket + ": " + std::strerror(errno) +
                              (errno == EACCES ? "" : " (is it running?)")};
}

Status send_all(int fd, const std::string& text, const std::string& who) {
  for (std::size_t sent = 0; sent < text.size();) {
    const ssize_t n = ::send(fd, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EPIPE) return Done{};  // refused before it was asked: the reason can still be read
    if (n <= 0) return Error{Errc::System, who + " broke off: " + std::strerror(errno)};
    sent += static_cast<std::size_t>(n);
  }
  return Done{};
}

Result<std::string> read_line(int fd, const std::string& who) {
  std::string line;
  std::array<char, 65536> buffer{};
  while (line.empty() || line.back() != '\n') {
    const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      return Error{Errc::Busy, who + " has not answered in time"};
    }
    if (n < 0) return Error{Errc::System, who + " broke off: " + std::strerror(errno)};
    if (n == 0) return Error{Errc::System, who + " broke off before it had answered"};
    line.append(buffer.data(), static_cast<std::size_t>(n));
    if (line.size() > kLargestReply) return invalid("reply: larger than 64 MiB");
  }
  return line;
}

}  // namespace

Result<ordered_json> ask(const std::string& socket, const ordered_json& request, std::chrono::seconds limit,
                         const std::string& who) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.size() >= sizeof address.sun_path) return invalid("--socket: longer than 107 characters");
  socket.copy(address.sun_path, socket.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return unreachable(socket, who);
  const Closer closer{fd};
  const timeval time{limit.count(), 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return unreachable(socket, who);

  if (Status s = send_all(fd, request.dump() + "\n", who); !s) return s.error();
  Result<std::string> line = read_line(fd, who);
  if (!line) return line.error();
  ordered_json reply = ordered_json::parse(*line, nullptr, false);
  if (!reply.is_object() || !reply.contains("ok") || !reply["ok"].is_boolean()) {
    return invalid(who + "'s reply is not understood; are " + who + " and haipsec of the same version?");
  }
  return reply;
}

}  // namespace hasync::haipsec
