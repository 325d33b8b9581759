#include "vped/counts.h"

namespace hasync::vped {

const char* name(Cause cause) {
  switch (cause) {
    case Cause::NotIp:
      return "not-ip";
    case Cause::NoTunnel:
      return "no-tunnel";
    case Cause::BadOffload:
      return "bad-offload";
    case Cause::TooBig:
      return "too-big";
    case Cause::NotSent:
      return "not-sent";
    case Cause::ForeignSpi:
      return "foreign-spi";
    case Cause::Truncated:
      return "truncated";
    case Cause::Selector:
      return "selector";
    case Cause::OwnSender:
      return "own-sender";
    case Cause::NotWritten:
      return "not-written";
  }
  return "?";
}

}  // namespace hasync::vped
