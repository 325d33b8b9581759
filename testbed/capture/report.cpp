#include "testbed/capture/report.h"

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <ranges>
#include <sstream>

namespace hasync::testbed {

namespace {

using nlohmann::json;

constexpr std::size_t kMostStrays = 100;

template <typename Number>
std::string hex(Number value) {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%0*llx", static_cast<int>(sizeof value * 2),
                static_cast<unsigned long long>(value));
  return text.data();
}

double ms(std::int64_t nanoseconds) {
  return static_cast<double>(nanoseconds) / 1e6;
}

std::string name_of(const Mac& mac, const NodeNames& names) {
  const auto found = names.find(mac);
  return found == names.end() ? to_string(mac) : found->second;
}

json describe(const std::vector<Repeat>& repeats, const NodeNames& names) {
  json list = json::array();
  for (const Repeat& one : repeats)
    list.push_back({{"value", one.value}, {"at_ns", one.at_ns}, {"sender", name_of(one.sender, names)}});
  return list;
}

json describe(const Checker::SaKey& key, const EspLedger& sa, const NodeNames& names) {
  json jumps = json::array();
  for (const Jump& jump : sa.jumps())
    jumps.push_back({{"before", jump.before},
                     {"after", jump.after},
                     {"at_ns", jump.at_ns},
                     {"sender", name_of(jump.sender, names)}});
  json turns = json::array();
  for (const Turn& turn : sa.turns())
    turns.push_back({{"sender", name_of(turn.sender, names)},
                     {"packets", turn.packets},
                     {"first_number", turn.first_number},
                     {"last_number", turn.last_number},
                     {"from_ns", turn.from_ns},
                     {"to_ns", turn.to_ns}});
  return {{"destination", to_string(key.first)},
          {"spi", hex(key.second)},
          {"packets", sa.packets()},
          {"in_udp", sa.in_udp()},
          {"first_number", sa.first_number()},
          {"highest_number", sa.highest_number()},
          {"wraps", sa.wraps()},
          {"repeated_numbers", sa.repeated_numbers()},
          {"repeated_number_examples", describe(sa.number_examples(), names)},
          {"repeated_ivs", sa.repeated_ivs()},
          {"repeated_iv_examples", describe(sa.iv_examples(), names)},
          {"jumps", jumps},
          {"turns", turns}};
}

json describe(const std::map<Address, Mac>& owners, const NodeNames& names) {
  json out = json::object();
  for (const auto& [address, mac] : owners) out[to_string(address)] = name_of(mac, names);
  return out;
}

json describe(const std::vector<Stray>& strays, const NodeNames& names) {
  json list = json::array();
  for (const Stray& stray : strays | std::views::take(kMostStrays))
    list.push_back({{"sender", name_of(stray.path.sender, names)},
                    {"source", to_string(stray.path.source)},
                    {"destination", to_string(stray.path.destination)},
                    {"at_ns", stray.at_ns}});
  return list;
}

json describe(const Silence& silence, const NodeNames& names) {
  return {{"ms", ms(silence.to_ns - silence.from_ns)},
          {"from_ns", silence.from_ns},
          {"to_ns", silence.to_ns},
          {"number_before", silence.number_before},
          {"number_after", silence.number_after},
          {"sender_before", name_of(silence.sender_before, names)},
          {"sender_after", name_of(silence.sender_after, names)}};
}

json describe(const Checker::FlowKey& key, const FlowLedger& flow, const NodeNames& names) {
  json gaps = json::array();
  for (const Silence& silence : flow.silences()) gaps.push_back(describe(silence, names));
  return {{"source", to_string(key.first)},
          {"destination", to_string(key.second)},
          {"packets", flow.packets()},
          {"longest_gap", describe(flow.longest(), names)},
          {"gaps", gaps}};
}

json describe(const Exchange& exchange, const NodeNames& names) {
  json senders = json::array();
  for (const Mac& mac : exchange.senders) senders.push_back(name_of(mac, names));
  return {{"type", exchange_name(exchange.type)},
          {"initiator_spi", hex(exchange.initiator_spi)},
          {"responder_spi", hex(exchange.responder_spi)},
          {"message_id", exchange.message_id},
          {"asked_by", to_string(exchange.asker)},
          {"at_ns", exchange.at_ns},
          {"requests", exchange.requests},
          {"responses", exchange.responses},
          {"senders", senders}};
}

json ike_to_json(const IkeLedger& ike, const NodeNames& names) {
  json counts = json::object();
  json list = json::array();
  for (const Exchange& exchange : ike.exchanges()) {
    counts[exchange_name(exchange.type)] = ike.count(exchange.type);
    list.push_back(describe(exchange, names));
  }
  return {{"exchanges", counts},
          {"retransmissions", ike.retransmissions()},
          {"message_id_conflicts", ike.conflicts()},
          {"unanswered", ike.unanswered()},
          {"list", list}};
}

}  // namespace

json to_json(const Checker& checker, const NodeNames& names) {
  json sas = json::array();
  for (const auto& [key, sa] : checker.sas()) sas.push_back(describe(key, sa, names));
  json flows = json::array();
  for (const auto& [key, flow] : checker.flows()) flows.push_back(describe(key, flow, names));
  const auto violations = checker.violations();
  return {{"clean", violations.empty()},
          {"violations", violations},
          {"frames", checker.frames()},
          {"esp_packets", checker.esp_packets()},
          {"fragments", checker.fragments()},
          {"keepalives", checker.keepalives()},
          {"others", checker.others()},
          {"malformed", checker.malformed()},
          {"capture_dropped", checker.dropped() ? json(*checker.dropped()) : json()},
          {"duplicate_esp_sequence_numbers", checker.repeated_numbers()},
          {"duplicate_nonces", checker.repeated_ivs()},
          {"two_owner_packets", checker.two_owner_packets()},
          {"two_owner_examples", describe(checker.owners().strays(), names)},
          {"owners", describe(checker.owners().owners(), names)},
          {"reauthentications", checker.ike().reauthentications()},
          {"rekeys", checker.ike().rekeys()},
          {"sas", sas},
          {"flows", flows},
          {"ike", ike_to_json(checker.ike(), names)}};
}

std::string to_text(const Checker& checker, const NodeNames& names) {
  std::ostringstream out;
  out << checker.frames() << " frames: " << checker.esp_packets() << " ESP, "
      << checker.ike().exchanges().size() << " IKE exchanges";
  if (const auto dropped = checker.dropped()) out << ", " << *dropped << " missed by the recording";
  out << "\n";
  for (const auto& [why, count] : checker.malformed()) out << "malformed: " << why << ": " << count << "\n";
  for (const auto& [key, sa] : checker.sas()) {
    out << "SA to " << to_string(key.first) << " SPI " << hex(key.second) << ": " << sa.packets()
        << " packets, numbers " << sa.first_number() << " to " << sa.highest_number() << "\n";
    for (const Turn& turn : sa.turns())
      out << "  from " << name_of(turn.sender, names) << ": " << turn.packets << " packets, numbers "
          << turn.first_number << " to " << turn.last_number << "\n";
    for (const Jump& jump : sa.jumps()) out << "  jump from " << jump.before << " to " << jump.after << "\n";
  }
  for (const auto& [key, flow] : checker.flows())
    out << to_string(key.first) << " -> " << to_string(key.second) << ": longest silence "
        << ms(flow.longest().to_ns - flow.longest().from_ns) << " ms\n";
  out << "re-authentications " << checker.ike().reauthentications() << ", rekeys " << checker.ike().rekeys()
      << ", IKE retransmissions " << checker.ike().retransmissions() << "\n";
  const auto violations = checker.violations();
  for (const std::string& violation : violations) out << "VIOLATION: " << violation << "\n";
  if (violations.empty()) out << "clean\n";
  return out.str();
}

}  // namespace hasync::testbed
