#include "vped/adapters/charon_link.h"

#include <sys/socket.h>
#include <sys/un.h>

namespace hasync::vped {

Status CharonLink::open() {
  close();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& name = socket_.native();
  if (name.size() >= sizeof(address.sun_path)) return invalid("charon.socket: longer than 107 characters");
  name.copy(address.sun_path, name.size());
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    return system_error(name);
  fd_ = std::move(fd);
  return Done{};
}

void CharonLink::close() {
  fd_ = Fd();
  cutter_.clear();
}

Status CharonLink::send(const Bytes& frame) {
  const ssize_t sent = ::send(fd_.get(), frame.data(), frame.size(), MSG_NOSIGNAL);
  if (sent == static_cast<ssize_t>(frame.size())) return Done{};
  return system_error(socket_.native());
}

Status CharonLink::read() {
  const std::span<std::uint8_t> room = cutter_.room();
  const ssize_t size = ::recv(fd_.get(), room.data(), room.size(), 0);
  if (size > 0) cutter_.filled(static_cast<std::size_t>(size));
  if (size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR))) return Done{};
  if (size == 0) return Error{Errc::NotFound, "charon has closed the connection"};
  return system_error(socket_.native());
}

Result<std::optional<PluginMessage>> CharonLink::next() {
  auto message = cutter_.next();
  if (message && !*message) {
    if (Status done = read(); !done) return done.error();
    message = cutter_.next();
  }
  if (!message) return message.error();
  if (!*message) return std::optional<PluginMessage>();
  auto decoded = decode_plugin_message(**message);
  cutter_.take();
  if (!decoded) return decoded.error();
  return std::optional(*std::move(decoded));
}

}  // namespace hasync::vped
