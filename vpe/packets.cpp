#include "vpe/packets.h"

namespace hasync::vpe {

const char* name(Drop drop) {
  switch (drop) {
    case Drop::None:
      return "none";
    case Drop::Truncated:
      return "truncated";
    case Drop::Oversized:
      return "oversized";
    case Drop::ForeignSpi:
      return "foreign-spi";
    case Drop::ForeignSender:
      return "foreign-sender";
    case Drop::Retired:
      return "retired";
    case Drop::Forged:
      return "forged";
    case Drop::Replayed:
      return "replayed";
    case Drop::Late:
      return "late";
    case Drop::NoRoom:
      return "no-room";
    case Drop::NotIp:
      return "not-ip";
    case Drop::NumbersSpent:
      return "numbers-spent";
  }
  return "?";
}

}  // namespace hasync::vpe
