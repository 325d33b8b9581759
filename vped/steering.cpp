#include "vped/steering.h"

#include "vpe/window_id.h"

namespace hasync::vped {

std::vector<BpfStep> steering(std::uint32_t workers) {
  // linux/bpf_common.h
  constexpr std::uint16_t load_16_bits = 0x28, shift_right = 0x74, to_x = 0x07, add_x = 0x0c, modulo = 0x94,
                          return_a = 0x16;
  constexpr std::uint32_t sender_at = 4, window_at = 6;
  return {{.code = load_16_bits, .k = window_at},
          {.code = shift_right, .k = vpe::kClassBits},
          {.code = to_x},
          {.code = load_16_bits, .k = sender_at},
          {.code = add_x},
          {.code = modulo, .k = workers},
          {.code = return_a}};
}

}  // namespace hasync::vped
