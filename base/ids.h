// Distinct types for the numbers that must not be mixed up.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace hasync {

template <typename Tag, typename Number>
struct Id {
  Number value{};
  constexpr Id() = default;
  constexpr explicit Id(Number v) : value(v) {}
  constexpr auto operator<=>(const Id&) const = default;
};

using NodeId = Id<struct NodeTag, std::uint32_t>;              // Corosync's nodeid; 0 is nobody
using SegmentId = Id<struct SegmentTag, std::uint32_t>;        // below kSegments
using Epoch = Id<struct EpochTag, std::uint64_t>;              // number of an agreed view; 0 is none
using Incarnation = Id<struct IncarnationTag, std::uint64_t>;  // drawn at each start of a hasyncd
using EspSpi = Id<struct EspSpiTag, std::uint32_t>;            // host byte order

inline constexpr NodeId kNobody{0};
inline constexpr std::uint32_t kSegments = 64;

// An IKE_SA, by its two SPIs (RFC 7296, section 3.1), host byte order.
struct SaId {
  std::uint64_t initiator_spi = 0;
  std::uint64_t responder_spi = 0;
  constexpr auto operator<=>(const SaId&) const = default;
};

std::string to_string(EspSpi spi);                       // "c0ffee01"
std::string to_string(SaId id);                          // "0123456789abcdef_i 0123456789abcdef_r"
std::optional<SaId> parse_sa_id(std::string_view text);  // of this form, and no other

}  // namespace hasync

template <typename Tag, typename Number>
struct std::hash<hasync::Id<Tag, Number>> {
  std::size_t operator()(hasync::Id<Tag, Number> id) const noexcept { return std::hash<Number>{}(id.value); }
};
