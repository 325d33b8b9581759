#include "vped/steering.h"

#include "vpe/window_id.h"

namespace hasync::vped {
namespace {

// linux/bpf_common.h
constexpr std::uint16_t kLoad16Bits = 0x28, kShiftRight = 0x74, kToX = 0x07, kAddX = 0x0c, kModulo = 0x94,
                        kIfEqual = 0x15, kReturn = 0x06, kReturnA = 0x16;

// Leaves the index of the packet's worker; `start`: where VPE's header begins.
std::vector<BpfStep> choose(std::uint32_t start, std::uint32_t workers) {
  constexpr std::uint32_t sender_at = 4, window_at = 6;
  return {{.code = kLoad16Bits, .k = start + window_at},
          {.code = kShiftRight, .k = vpe::kClassBits},
          {.code = kToX},
          {.code = kLoad16Bits, .k = start + sender_at},
          {.code = kAddX},
          {.code = kModulo, .k = workers}};
}

}  // namespace

std::vector<BpfStep> steering(std::uint32_t workers) {
  std::vector<BpfStep> out = choose(0, workers);
  out.push_back({.code = kReturnA});
  return out;
}

std::vector<BpfStep> only_for(std::uint32_t worker, std::uint32_t workers) {
  constexpr std::uint32_t udp_header = 8, all_of_it = 0xffffffff;
  std::vector<BpfStep> out = choose(udp_header, workers);
  out.push_back({.code = kIfEqual, .if_true = 0, .if_false = 1, .k = worker});
  out.push_back({.code = kReturn, .k = all_of_it});
  out.push_back({.code = kReturn, .k = 0});
  return out;
}

}  // namespace hasync::vped
