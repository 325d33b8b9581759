#include "vped/adapters/control_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include <array>
#include <nlohmann/json.hpp>

namespace hasync::vped {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kLongestRequest = 4096;
constexpr timeval kLongest{2, 0};

std::string read_line(const Fd& client) {
  std::string line;
  std::array<char, 512> some{};
  while (line.size() <= kLongestRequest && line.find('\n') == std::string::npos) {
    const ssize_t size = ::recv(client.get(), some.data(), some.size(), 0);
    if (size <= 0) break;
    line.append(some.data(), static_cast<std::size_t>(size));
  }
  return line;
}

ordered_json refusal(const char* code, const std::string& text) {
  return {{"ok", false}, {"error", {{"code", code}, {"text", text}}}};
}

ordered_json answer(const std::string& line, const ControlSocket::Status& status) {
  const ordered_json request = ordered_json::parse(line, nullptr, false);
  if (!request.is_object() || !request.contains("command"))
    return refusal("invalid", "a request is one JSON object on a line, with a command");
  if (request["command"] != "status") return refusal("not-found", "vped knows the command status only");
  const auto now = status();
  if (!now) return refusal("busy", now.error().what);
  return {{"ok", true}, {"status", *now}};
}

void send_all(const Fd& client, const std::string& text) {
  for (std::size_t sent = 0; sent < text.size();) {
    const ssize_t size = ::send(client.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (size <= 0) return;
    sent += static_cast<std::size_t>(size);
  }
}

}  // namespace

Result<ControlSocket> ControlSocket::open(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& name = path.native();
  if (name.size() >= sizeof(address.sun_path)) return invalid("gateway.control: longer than 107 characters");
  name.copy(address.sun_path, name.size());
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  ::unlink(name.c_str());
  if (!fd || ::fchmod(fd.get(), 0600) != 0 ||
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      ::chmod(name.c_str(), 0600) != 0 || ::listen(fd.get(), 8) != 0)
    return system_error(name);
  return ControlSocket(std::move(fd), name);
}

ControlSocket::~ControlSocket() {
  if (fd_) ::unlink(path_.c_str());
}

void ControlSocket::serve_one(const Status& status) const {
  const Fd client(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!client) return;
  ::setsockopt(client.get(), SOL_SOCKET, SO_RCVTIMEO, &kLongest, sizeof(kLongest));
  ::setsockopt(client.get(), SOL_SOCKET, SO_SNDTIMEO, &kLongest, sizeof(kLongest));
  send_all(client, answer(read_line(client), status).dump() + "\n");
}

}  // namespace hasync::vped
