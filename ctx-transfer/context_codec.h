// What the daemon needs to see of a Context (proto/context.proto), which otherwise stays a string of bytes to
// it. decode() refuses what breaks a rule (Errc::Invalid) or has a newer major version (Errc::Unsupported),
// naming the field. Fields that this version does not know survive with_numbers().
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/secret.h"

namespace hasync::ctx {

struct ChildView {
  std::string name;
  EspSpi inbound_spi;
  OutboundKey outbound;  // destination: the peer's outer address
  bool esn = false;
  std::uint64_t outbound_number = 0;  // last number used
  bool vpe = false;                   // the kernel's SA is there and sends nothing
  bool vpe_counted = false;           // its incarnations are the plugin's, not a cluster's
  bool operator==(const ChildView&) const = default;
};

struct ContextView {
  SaId sa;
  std::string connection;
  Address local;
  Address peer;
  std::uint16_t peer_port = 0;
  std::string remote_id;  // as text where it is text, else in hexadecimal
  std::vector<ChildView> children;
  bool operator==(const ContextView&) const = default;
};

inline constexpr std::uint32_t kContextMajor = 1;
inline constexpr std::size_t kMaxContext = 256 * 1024;  // bytes, encoded

Result<ContextView> decode_context(std::string_view bytes);

// The same context, its outbound SAs starting behind these numbers. SAs that are not named stay as they are.
// `window` is told where each inbound window stands and says where it is to: above that, all numbers count as
// seen. CHILD_SAs of these outbound SPIs are left out.
using WindowTop = std::function<std::uint64_t(const InboundKey&, std::uint64_t top)>;
Result<Secret> with_numbers(std::string_view bytes, const std::map<OutboundKey, std::uint64_t>& numbers,
                            const WindowTop& window = {}, const std::vector<EspSpi>& left_out = {});

}  // namespace hasync::ctx
