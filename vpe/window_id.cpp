#include "vpe/window_id.h"

namespace hasync::vpe {

std::uint8_t class_of_dscp(std::uint8_t dscp) {
  constexpr std::uint8_t lower_effort = 1, cs1 = 8, af31 = 26, af43 = 38, cs5 = 40;
  constexpr std::uint8_t cs3 = 24, cs4 = 32;
  if (dscp >= cs5) return 3;
  if (dscp == cs1 || dscp == lower_effort) return 1;
  if (dscp >= af31 && dscp <= af43 && dscp % 2 == 0 && dscp != cs4) return 2;
  return dscp == cs3 || dscp == cs4 ? 2 : 0;
}

}  // namespace hasync::vpe
