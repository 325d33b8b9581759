#include "haipsec/control_client.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/adapters/fd.h"

namespace hasync::haipsec {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kLargestReply = 64U << 20U;
constexpr std::chrono::seconds kFirstReply{10};  // of a stream
constexpr const char* kHasyncd = "hasyncd";

Error unreachable(const std::string& socket, const std::string& who) {
  return {Errc::NotFound, who + " does not answer at " + socket + ": " + std::strerror(errno) +
                              (errno == EACCES ? "" : " (is it running?)")};
}

// Lines as they come. What was received with one and belongs to the next is kept.
class Lines {
 public:
  Lines(int fd, std::string who) : fd_(fd), who_(std::move(who)) {}
  std::optional<std::string> whole() {
    const std::size_t end = received_.find('\n', looked_);
    looked_ = received_.size();
    if (end == std::string::npos) return std::nullopt;
    std::string out = received_.substr(0, end + 1);
    received_.erase(0, end + 1);
    looked_ = 0;
    return out;
  }
  Status receive() {
    std::array<char, 65536> buffer{};
    const ssize_t n = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (n < 0 && errno == EINTR) return Done{};
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      return Error{Errc::Busy, who_ + " has not answered in time"};
    }
    if (n < 0) return Error{Errc::System, who_ + " broke off: " + std::strerror(errno)};
    if (n == 0) return Error{Errc::System, who_ + " broke off"};
    received_.append(buffer.data(), static_cast<std::size_t>(n));
    if (received_.size() > kLargestReply) return invalid("reply: larger than 64 MiB");
    return Done{};
  }

 private:
  int fd_;
  std::string who_;
  std::string received_;
  std::size_t looked_ = 0;  // no line ends before
};

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

}  // namespace

struct Connection {
  Fd to;
  std::string who;
  Lines lines;
};

namespace {

Result<Connection> connect_to(const std::string& socket, std::chrono::seconds limit, const std::string& who) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.size() >= sizeof address.sun_path) return invalid("--socket: longer than 107 characters");
  socket.copy(address.sun_path, socket.size());
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return unreachable(socket, who);
  const timeval time{limit.count(), 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return unreachable(socket, who);
  Lines lines(fd.get(), who);
  return Connection{std::move(fd), who, std::move(lines)};
}

Result<std::string> read_line(Lines& lines) {
  while (true) {
    if (auto line = lines.whole()) return *std::move(line);
    if (const Status received = lines.receive(); !received) return received.error();
  }
}

Result<ordered_json> parse_reply(const std::string& line, const std::string& who) {
  ordered_json reply = ordered_json::parse(line, nullptr, false);
  if (!reply.is_object() || !reply.contains("ok") || !reply["ok"].is_boolean()) {
    return invalid(who + "'s reply is not understood; are " + who + " and haipsec of the same version?");
  }
  return reply;
}

Result<ordered_json> exchange(Connection& with, const ordered_json& request) {
  if (const Status sent = send_all(with.to.get(), request.dump() + "\n", with.who); !sent)
    return sent.error();
  const Result<std::string> line = read_line(with.lines);
  if (!line) return line.error();
  return parse_reply(*line, with.who);
}

// Readable once the user wants an end.
Fd interruption() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  return Fd(::signalfd(-1, &signals, SFD_CLOEXEC));
}

// False: it is over.
bool await_more(int from, int interrupted) {
  std::array<pollfd, 3> waiting{{{from, POLLIN, 0}, {interrupted, POLLIN, 0}, {STDOUT_FILENO, 0, 0}}};
  while (::poll(waiting.data(), waiting.size(), -1) < 0 && errno == EINTR) {
  }
  return waiting[1].revents == 0 && waiting[2].revents == 0;
}

}  // namespace

Conversation::Conversation(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
Conversation::Conversation(Conversation&&) noexcept = default;
Conversation::~Conversation() = default;

Result<Conversation> Conversation::begin(const std::string& socket, std::chrono::seconds limit) {
  Result<Connection> connection = connect_to(socket, limit, kHasyncd);
  if (!connection) return connection.error();
  return Conversation(std::make_unique<Connection>(*std::move(connection)));
}

Result<ordered_json> Conversation::ask(const ordered_json& request) {
  return exchange(*connection_, request);
}

Result<ordered_json> ask(const std::string& socket, const ordered_json& request, std::chrono::seconds limit,
                         const std::string& who) {
  Result<Connection> connection = connect_to(socket, limit, who);
  if (!connection) return connection.error();
  return exchange(*connection, request);
}

Result<ordered_json> follow(const std::string& socket, const ordered_json& request,
                            const std::function<void(const ordered_json&)>& told) {
  const Fd interrupted = interruption();
  Result<Connection> connection = connect_to(socket, kFirstReply, kHasyncd);
  if (!connection) return connection.error();
  Result<ordered_json> reply = exchange(*connection, request);
  if (!reply || !(*reply)["ok"].get<bool>()) return reply;
  while (true) {
    while (const auto line = connection->lines.whole()) {
      const ordered_json object = ordered_json::parse(*line, nullptr, false);
      if (!object.is_object()) return invalid("what hasyncd tells is not understood");
      told(object);
    }
    if (!await_more(connection->to.get(), interrupted.get())) return reply;
    if (const Status received = connection->lines.receive(); !received) return received.error();
  }
}

}  // namespace hasync::haipsec
