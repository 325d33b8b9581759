// Selectors, steering, trains, the book of incarnations, the configuration.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/inner_packets.h"
#include "vped/config.h"
#include "vped/inbound.h"
#include "vped/incarnation_book.h"
#include "vped/outbox.h"
#include "vped/steering.h"

namespace hasync::vped {
namespace {

Address address(const char* text) {
  return Address::parse(text).value();
}
Prefix prefix(const char* text) {
  return Prefix::parse(text).value();
}

TEST(Prefix, ContainsItsFamilyAndItsBits) {
  EXPECT_TRUE(prefix("10.1.0.0/16").contains(address("10.1.255.255")));
  EXPECT_FALSE(prefix("10.1.0.0/16").contains(address("10.2.0.0")));
  EXPECT_TRUE(prefix("10.1.2.3/32").contains(address("10.1.2.3")));
  EXPECT_FALSE(prefix("10.1.2.3/32").contains(address("10.1.2.2")));
  EXPECT_TRUE(prefix("0.0.0.0/0").contains(address("203.0.113.1")));
  EXPECT_FALSE(prefix("0.0.0.0/0").contains(address("2001:db8::1")));
  EXPECT_TRUE(prefix("::/0").contains(address("2001:db8::1")));
  EXPECT_FALSE(prefix("::/0").contains(address("203.0.113.1")));
  EXPECT_TRUE(prefix("2001:db8::/61").contains(address("2001:db8:0:7::1")));
  EXPECT_FALSE(prefix("2001:db8::/61").contains(address("2001:db8:0:8::1")));
  EXPECT_FALSE(prefix("2001:db8::8/125").contains(address("2001:db8::10")));
}

TEST(Prefix, IsWhatARangeOfAddressesMayBe) {
  const auto range = [](const char* first, const char* last) {
    return Prefix::of_range(address(first), address(last));
  };
  EXPECT_EQ(range("10.1.0.0", "10.1.255.255"), prefix("10.1.0.0/16"));
  EXPECT_EQ(range("10.1.0.7", "10.1.0.7"), prefix("10.1.0.7/32"));
  EXPECT_EQ(range("0.0.0.0", "255.255.255.255"), prefix("0.0.0.0/0"));
  EXPECT_EQ(range("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), prefix("::/0"));
  EXPECT_EQ(range("2001:db8::", "2001:db8::7"), prefix("2001:db8::/125"));
  EXPECT_EQ(range("10.1.0.0", "10.1.255.254"), std::nullopt);
  EXPECT_EQ(range("10.1.0.1", "10.1.255.255"), std::nullopt);
  EXPECT_EQ(range("10.1.1.0", "10.1.0.255"), std::nullopt);
  EXPECT_EQ(range("10.2.0.0", "10.1.255.255"), std::nullopt);
}

TEST(Prefix, RefusesWhatIsNone) {
  for (const char* text :
       {"10.1.0.0", "10.1.0.0/33", "10.1.0.0/-1", "10.1.0.0/", "10.1.0.1/16", "::/129", "x/8", "10.1.0.0/8x"})
    EXPECT_FALSE(Prefix::parse(text)) << text;
}

TEST(Routes, TheLongestPrefixThatAlsoHasTheSource) {
  const std::vector<Tunnel> tunnels = {
      {.name = "all",
       .local = {prefix("10.1.0.0/16"), prefix("10.9.0.0/16")},
       .remote = {prefix("10.0.0.0/8")}},
      {.name = "site", .local = {prefix("10.1.0.0/16")}, .remote = {prefix("10.2.0.0/16")}}};
  const Routes routes(tunnels);
  EXPECT_EQ(routes.find(address("10.1.0.1"), address("10.2.0.1")), 1U);
  EXPECT_EQ(routes.find(address("10.1.0.1"), address("10.3.0.1")), 0U);
  EXPECT_EQ(routes.find(address("10.9.0.1"), address("10.2.0.1")), 0U);
  EXPECT_EQ(routes.find(address("10.8.0.1"), address("10.2.0.1")), std::nullopt);
  EXPECT_EQ(routes.find(address("10.1.0.1"), address("192.0.2.1")), std::nullopt);
  EXPECT_TRUE(routes.may_come(1, address("10.2.0.1"), address("10.1.0.1")));
  EXPECT_FALSE(routes.may_come(1, address("10.3.0.1"), address("10.1.0.1")));
  EXPECT_FALSE(routes.may_come(1, address("10.2.0.1"), address("10.9.0.1")));
}

TEST(Routes, OfAGroupBothDirectionsAreFromSourcesToDestinations) {
  const std::vector<Tunnel> tunnels = {{.name = "group",
                                        .sender = vpe::SenderId{7},
                                        .peer_sender = std::nullopt,
                                        .local = {prefix("10.0.0.0/8")},
                                        .remote = {prefix("239.1.0.0/16")}}};
  const Routes routes(tunnels);
  EXPECT_EQ(routes.find(address("10.1.0.1"), address("239.1.0.1")), 0U);
  EXPECT_EQ(routes.find(address("192.0.2.1"), address("239.1.0.1")), std::nullopt);
  EXPECT_TRUE(routes.may_come(0, address("10.2.0.1"), address("239.1.0.1")));
  EXPECT_FALSE(routes.may_come(0, address("239.1.0.1"), address("10.2.0.1")));
  EXPECT_FALSE(routes.may_come(0, address("10.2.0.1"), address("239.2.0.1")));
  EXPECT_TRUE(routes.is_own(0, vpe::SenderId{7}));
  EXPECT_FALSE(routes.is_own(0, vpe::SenderId{8}));
}

// The kernel's machine, as far as the program uses it (the opcodes are those of linux/bpf_common.h).
std::optional<std::uint32_t> run(const std::vector<BpfStep>& program, BytesView packet) {
  std::uint32_t a = 0, x = 0;
  for (std::size_t at = 0; at < program.size(); ++at) {
    const BpfStep& step = program[at];
    switch (step.code) {
      case 0x28:
        if (step.k + 2 > packet.size()) return 0;  // the kernel ends the program with 0
        a = packet[step.k] * 256U + packet[step.k + 1];
        break;
      case 0x74:
        a >>= step.k;
        break;
      case 0x07:
        x = a;
        break;
      case 0x0c:
        a += x;
        break;
      case 0x94:
        a %= step.k;
        break;
      case 0x15:
        at += a == step.k ? step.if_true : step.if_false;
        break;
      case 0x06:
        return step.k;
      case 0x16:
        return a;
      default:
        return std::nullopt;
    }
  }
  return std::nullopt;
}

TEST(Steering, TheKernelChoosesTheWorkerThatHasTheWindow) {
  for (const std::uint32_t workers : {1U, 2U, 3U, 32U}) {
    const auto program = steering(workers);
    for (std::uint32_t name = 0; name < 0xfff00000; name += 0x00f12345) {
      Bytes packet(64);
      for (std::size_t i = 0; i < 4; ++i) packet[4 + i] = static_cast<std::uint8_t>(name >> (24 - 8 * i));
      EXPECT_EQ(run(program, packet), worker_of(packet, workers)) << name << " of " << workers;
    }
    EXPECT_EQ(run(program, Bytes(7)), 0U);
    EXPECT_EQ(worker_of(Bytes(7), workers), 0U);
  }
}

TEST(Steering, OfAGroupEachPacketIsTakenByTheWorkerThatHasTheWindow) {
  constexpr std::size_t udp_header = 8;
  for (const std::uint32_t workers : {1U, 2U, 3U, 32U})
    for (std::uint32_t name = 0; name < 0xfff00000; name += 0x01f12345) {
      Bytes datagram(udp_header + 64);
      for (std::size_t i = 0; i < 4; ++i) datagram[12 + i] = static_cast<std::uint8_t>(name >> (24 - 8 * i));
      const std::uint32_t owner = worker_of(BytesView(datagram).subspan(udp_header), workers);
      for (std::uint32_t worker = 0; worker < workers; ++worker)
        EXPECT_EQ(run(only_for(worker, workers), datagram), worker == owner ? 0xffffffff : 0U);
    }
}

TEST(Steering, ClassesOfOneCoreStayTogetherAndCoresAreApart) {
  Bytes packet(64);
  for (std::uint8_t core = 0; core < 8; ++core)
    for (std::uint32_t c = 0; c < vpe::kClasses; ++c) {
      packet[7] = static_cast<std::uint8_t>(vpe::window_id({.core = core}, c).value);
      EXPECT_EQ(worker_of(packet, 4), core % 4U);
    }
}

TEST(Outbox, OneSizePeerAndClassAreOneTrain) {
  Outbox box;
  for (int i = 0; i < 3; ++i) box.add(0, 0, 1000);
  box.add(0, 0, 500);   // the last may be shorter
  box.add(0, 0, 500);   // nothing behind it
  box.add(1, 0, 500);   // another peer
  box.add(1, 46, 500);  // another class
  box.skip(100);
  box.add(1, 46, 500);  // not behind the one before
  box.add(1, 46, 600);  // longer
  std::vector<std::size_t> packets;
  for (const Train& train : box.trains()) packets.push_back(train.packets);
  EXPECT_THAT(packets, testing::ElementsAre(4, 1, 1, 1, 1, 1));
  EXPECT_EQ(box.trains()[0].size, 3500U);
  EXPECT_EQ(box.trains()[0].segment, 1000U);
  EXPECT_EQ(box.trains()[4].offset, 3500U + 500 * 3 + 100);
}

TEST(Outbox, ATrainIsOneDatagramOfAtMost64Packets) {
  Outbox box;
  for (int i = 0; i < 100; ++i) box.add(0, 0, 1400);
  for (int i = 0; i < 100; ++i) box.add(0, 0, 100);
  std::size_t packets = 0;
  for (const Train& train : box.trains()) {
    EXPECT_LE(train.size, 65507U);
    EXPECT_LE(train.packets, 64U);
    packets += train.packets;
  }
  EXPECT_EQ(packets, 200U);
}

TEST(IncarnationBook, NeverGivesOneTwiceAndEndsAfterAll) {
  auto book = IncarnationBook::parse("").value();
  for (std::uint32_t i = 0; i < vpe::kIncarnations; ++i) {
    ASSERT_EQ(book.take("aa").value(), i);
    book = IncarnationBook::parse(book.text()).value();  // written and read again
  }
  const auto spent = book.take("aa");
  ASSERT_FALSE(spent);
  EXPECT_EQ(spent.error().code, Errc::Conflict);
  EXPECT_EQ(book.take("bb").value(), 0) << "each key for itself";
}

TEST(IncarnationBook, DoesNotGuessWhatItCannotRead) {
  for (const char* text : {"aa", "aa x", "aa 33", "aa 0", "aa -1", "aa 1 2", "aa 1\naa 2", "\n"})
    EXPECT_FALSE(IncarnationBook::parse(text)) << text;
}

constexpr const char* kGood = R"([gateway]
address = "192.0.2.1"
port = 4510
[[tunnel]]
name = "site"
peer = "192.0.2.2"
out_spi = 0xc0ffee02
in_spi = 0xc0ffee01
local = ["10.1.0.0/16"]
remote = ["10.2.0.0/16"]
key_file = "/etc/hasyncd/site.keys"
)";

TEST(VpedConfig, IsReadWithItsDefaults) {
  const auto outcome = parse_config(kGood, "f");
  EXPECT_THAT(outcome.errors, testing::IsEmpty());
  ASSERT_TRUE(outcome.config);
  const Config& config = *outcome.config;
  EXPECT_EQ(config.interface, "vpe0");
  EXPECT_EQ(config.state_dir, "/var/lib/vped");
  ASSERT_EQ(config.tunnels.size(), 1U);
  EXPECT_EQ(config.tunnels[0].peer_port, 4510);
  EXPECT_EQ(config.tunnels[0].spi_out, EspSpi{0xc0ffee02});
  EXPECT_EQ(config.lines[0].window_bits, 1024U);
}

constexpr const char* kOfCharon = R"([gateway]
address = "192.0.2.1"
port = 4510
[charon]
)";

TEST(VpedConfig, TunnelsMayBeCharonsAlone) {
  const auto outcome = parse_config(kOfCharon, "f");
  EXPECT_THAT(outcome.errors, testing::IsEmpty());
  ASSERT_TRUE(outcome.config && outcome.config->charon);
  EXPECT_EQ(outcome.config->charon->socket, "/run/charon.hasync");
  EXPECT_EQ(outcome.config->charon->window_bits, 1024U);
  EXPECT_THAT(outcome.config->tunnels, testing::IsEmpty());
  EXPECT_FALSE(parse_config(kGood, "f").config->charon);
}

TEST(VpedConfig, MetricsAreServedWhereItSays) {
  const auto with = [](const std::string& line) {
    return parse_config(kOfCharon + std::string("[metrics]\n") + line + "\n", "f");
  };
  EXPECT_FALSE(parse_config(kOfCharon, "f").config->metrics);
  EXPECT_EQ(with(R"(listen = "127.0.0.1:9421")").config->metrics,
            (Endpoint{Address::v4(127, 0, 0, 1), 9421}));
  EXPECT_EQ(to_string(*with(R"(listen = "[2001:db8::1]:9421")").config->metrics), "[2001:db8::1]:9421");
  for (const char* wrong : {"127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "2001:db8::1:9421",
                            "[127.0.0.1]:1", "127.0.0.1:94 21", "vped.example:9421"})
    EXPECT_THAT(
        with("listen = \"" + std::string(wrong) + "\"").errors,
        testing::ElementsAre(testing::HasSubstr("f:6: metrics.listen: must be an address and a port")))
        << wrong;
  EXPECT_THAT(with("").errors, testing::ElementsAre(testing::HasSubstr("metrics.listen: is required")));
}

constexpr const char* kGroup = R"([[group]]
name = "group"
address = "239.192.0.1"
spi = 0x9000
sender = 7
sources = ["10.0.0.0/8"]
destinations = ["239.1.0.0/16"]
key_file = "/etc/hasyncd/group.key"
)";

TEST(VpedConfig, AGroupIsATunnelToAndFromAll) {
  const auto outcome = parse_config(kGood + std::string(kGroup), "f");
  EXPECT_THAT(outcome.errors, testing::IsEmpty());
  ASSERT_TRUE(outcome.config && outcome.config->tunnels.size() == 2);
  const Tunnel& group = outcome.config->tunnels[1];
  EXPECT_TRUE(group.is_group());
  EXPECT_FALSE(outcome.config->tunnels[0].is_group());
  EXPECT_EQ(group.spi_in, group.spi_out);
  EXPECT_EQ(group.sender, vpe::SenderId{7});
  EXPECT_EQ(group.peer_port, 4510);
  EXPECT_EQ(outcome.config->lines[1].hops, 1);
}

TEST(VpedConfig, EachMistakeInAGroupIsNamedWithItsPlace) {
  const auto errors = [](const std::string& from, const std::string& to) {
    std::string text = kGood + std::string(kGroup);
    text.replace(text.rfind(from), from.size(), to);
    return parse_config(text, "f").errors;
  };
  const auto one = [](const std::string& text) { return testing::ElementsAre(testing::HasSubstr(text)); };
  EXPECT_THAT(errors("239.192.0.1", "192.0.2.9"), one("f:14: group.address: must be a multicast address"));
  EXPECT_THAT(errors("239.192.0.1", "ff05::1"), one("f:14: group.address: is of another family"));
  EXPECT_THAT(errors("sender = 7", "sender = 0"), one("f:16: group.sender: must be a number from 1"));
  EXPECT_THAT(errors("sender = 7\n", ""), one("f:12: group.sender: is required"));
  EXPECT_THAT(errors("spi = 0x9000", "spi = 0xc0ffee01"), one("f:15: group.spi: is taken"));
  EXPECT_THAT(errors("sender = 7", "sender = 7\nhops = 0"), one("f:17: group.hops"));
  EXPECT_THAT(errors("[[group]]", "[group]"), one("f:12: group: is written as [[group]]"));
}

// Replaces the line that starts with `key`, or adds it to the tunnel.
std::vector<std::string> errors_with(const std::string& line) {
  std::string text = kGood;
  const std::string key = line.substr(0, line.find(' ') + 1);
  const std::size_t at = text.find("\n" + key);
  if (at == std::string::npos) {
    text += line + "\n";
  } else {
    text.replace(at + 1, text.find('\n', at + 1) - at - 1, line);
  }
  return parse_config(text, "f").errors;
}

TEST(VpedConfig, EachMistakeIsNamedWithItsPlace) {
  const auto one = [](const std::string& text) { return testing::ElementsAre(testing::HasSubstr(text)); };
  EXPECT_THAT(errors_with("mode = \"transport\""), one("f:12: tunnel.mode: VPE has tunnel mode only"));
  EXPECT_THAT(errors_with("port = 0"), one("f:3: gateway.port: must be a number from 1 to 65535"));
  EXPECT_THAT(errors_with("in_spi = 255"), one("f:8: tunnel.in_spi"));
  EXPECT_THAT(errors_with("local = [\"10.1.0.1/16\"]"), one("f:9: tunnel.local"));
  EXPECT_THAT(errors_with("local = []"), one("f:9: tunnel.local"));
  EXPECT_THAT(errors_with("peer = \"2001:db8::1\""), one("another family"));
  EXPECT_THAT(errors_with("window = 100"), one("power of two"));
  EXPECT_THAT(errors_with("key_file = \"keys\""), one("absolute path"));
  EXPECT_THAT(errors_with("colour = \"red\""), one("tunnel.colour: is not known here"));
  EXPECT_THAT(errors_with("name = 7"), one("tunnel.name: must be a text"));
  EXPECT_THAT(parse_config("x = 1", "f").errors, testing::SizeIs(3));
  EXPECT_THAT(parse_config("charon = 1", "f").errors, testing::SizeIs(3));
  EXPECT_THAT(parse_config(kOfCharon + std::string("window = 65\n"), "f").errors, one("charon.window"));
  EXPECT_THAT(parse_config(kOfCharon + std::string("key = 1\n"), "f").errors, one("charon.key"));
  EXPECT_THAT(parse_config("[gateway", "f").errors, one("not TOML"));
  for (const char* letter : {"\xc3\xa9", "\xe1\x80\x80", "\xe3\x81\x82", "\xf0\x9f\x94\x91"})  // beyond ASCII
    EXPECT_THAT(parse_config("a = " + std::string(letter), "f").errors, one("f:1: not TOML")) << letter;
  const std::string twice = std::string(kGood) + (kGood + std::string(kGood).find("[[tunnel]]"));
  EXPECT_THAT(parse_config(twice, "f").errors, testing::SizeIs(2)) << "name and in_spi are taken";
}

TEST(VpedConfig, MistakesOfAllKindsAreNamedAtOnceAndNoneThatFollowsFromAnother) {
  std::string text = "colour = 1\n" + std::string(kGood) + (kGood + std::string(kGood).find("[[tunnel]]"));
  text.replace(text.find("192.0.2.1"), 9, "192.0.2");
  for (const char* line : {"in_spi = 0xc0ffee01\n", "in_spi = 0xc0ffee01\n"})
    text.replace(text.find(line), std::string(line).size(), "in_spi = 255\n");
  const auto has = [](const char* what) { return testing::HasSubstr(what); };
  EXPECT_THAT(
      parse_config(text, "f").errors,
      testing::ElementsAre(has("f:1: colour: is not known here"), has("f:3: gateway.address: must be an IP"),
                           has("f:9: tunnel.in_spi: must be a number"),
                           has("f:17: tunnel.in_spi: must be a number"), has("f:14: tunnel.name: is taken")));
}

}  // namespace
}  // namespace hasync::vped
