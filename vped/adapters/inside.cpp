#include "vped/adapters/inside.h"

#include <sys/uio.h>

#include <array>

namespace hasync::vped {
namespace {

iovec part(BytesView bytes) {
  return {const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
}

}  // namespace

std::optional<std::span<std::uint8_t>> Inside::read(Offload& offload, std::span<std::uint8_t> buffer) const {
  std::array<iovec, 2> parts = {{{&offload, sizeof(offload)}, {buffer.data(), buffer.size()}}};
  const ssize_t size = ::readv(queue_.get(), parts.data(), parts.size());
  if (size < static_cast<ssize_t>(sizeof(offload))) return std::nullopt;
  return buffer.first(static_cast<std::size_t>(size) - sizeof(offload));
}

bool Inside::write(const Joined& joined) const {
  std::array<iovec, 1024> parts;  // UIO_MAXIOV
  std::size_t count = 0;
  parts[count++] = {const_cast<Offload*>(&joined.offload), sizeof(Offload)};
  for (const BytesView piece : joined.pieces) parts[count++] = part(piece);
  return ::writev(queue_.get(), parts.data(), static_cast<int>(count)) > 0;
}

bool Inside::write(BytesView packet) const {
  const Offload whole;
  const std::array<iovec, 2> parts = {{{const_cast<Offload*>(&whole), sizeof(whole)}, part(packet)}};
  return ::writev(queue_.get(), parts.data(), parts.size()) > 0;
}

}  // namespace hasync::vped
