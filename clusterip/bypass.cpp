#include "clusterip/bypass.h"

namespace hasync::clusterip {

Status check_links(std::span<const LinkFacts> links) {
  const auto unsupported = [](const LinkFacts& link, const std::string& what) {
    return Error{Errc::Unsupported, "interface " + link.name + ": " + what};
  };
  for (const LinkFacts& link : links) {
    if (link.esp_offload) {
      return unsupported(link,
                         "ESP offload is on, so packets would not pass the gate; turn it off: "
                         "ethtool -K " +
                             link.name + " esp-hw-offload off");
    }
    for (const LinkFacts& other : links) {
      if (link.master == other.index) {
        return unsupported(link, "is a port of " + other.name + ", which is listed, too; list one of them");
      }
      if (link.below == other.index) {
        return unsupported(link, "sends on " + other.name + ", which is listed, too; list one of them");
      }
    }
  }
  return Done{};
}

std::string bypass_of(const SaTraits& traits) {
  if (traits.packet_offload) return "a device makes its packets (packet offload)";
  if (traits.may_wrap) return "its numbers may begin again (oseq-may-wrap)";
  if (traits.per_cpu) return "it is one of several, each for one processor";
  return {};
}

}  // namespace hasync::clusterip
