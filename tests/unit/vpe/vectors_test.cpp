// The committed test vectors: the library makes the same bytes, and says the same of the bad ones.
// tests/golden/vpe/check.py checks them with another AES-GCM and a decoder of its own.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/vpe_packets.h"

namespace hasync::vpe {
namespace {

using nlohmann::json;

Bytes unhex(const std::string& text) {
  Bytes out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    out.push_back(static_cast<std::uint8_t>(std::stoul(text.substr(i, 2), nullptr, 16)));
  return out;
}

const json& vectors() {
  static const json all = [] {
    std::ifstream file(VPE_VECTORS);
    return json::parse(file);
  }();
  return all;
}

std::unique_ptr<Gcm> gcm(const json& one) {
  return test::gcm("auto", unhex(one.at("key")));
}

TEST(Vectors, VpeIsSealedAndOpenedAsCommitted) {
  std::size_t count = 0;
  for (const json& one : vectors().at("vpe")) {
    const SenderId id{one.at("sender").get<std::uint16_t>()};
    const WindowId window{one.at("window").get<std::uint16_t>()};
    const EspSpi spi{one.at("spi").get<std::uint32_t>()};
    const auto out = test::sender(gcm(one), {.spi = spi,
                                             .sender = id,
                                             .place = place_of(window),
                                             .first_number = one.at("number").get<std::uint64_t>()});
    const Bytes payload = unhex(one.at("payload")), wire = unhex(one.at("packet"));
    EXPECT_EQ(test::seal(*out, payload, class_of(window)), wire) << one.at("name");
    const auto in = test::receiver(gcm(one), {.spi = spi, .sender = id});
    const auto opened = test::open(*in, wire);
    EXPECT_EQ(opened.drop, Drop::None) << one.at("name");
    EXPECT_EQ(opened.inner,
              Bytes(payload.begin(), payload.begin() + one.at("inner_size").get<std::ptrdiff_t>()));
    ++count;
  }
  EXPECT_GE(count, 10U);
}

TEST(Vectors, BadPacketsAreRefusedAsCommitted) {
  std::size_t count = 0;
  for (const json& one : vectors().at("refused")) {
    const auto in = test::receiver(gcm(one), {.spi = EspSpi{one.at("spi").get<std::uint32_t>()}});
    EXPECT_EQ(name(test::open(*in, unhex(one.at("packet"))).drop), one.at("drop").get<std::string>())
        << one.at("name");
    ++count;
  }
  EXPECT_GE(count, 6U);
}

TEST(Vectors, EspIsSealedAndOpenedAsCommitted) {
  std::size_t count = 0;
  for (const json& one : vectors().at("esp")) {
    const EspSpi spi{one.at("spi").get<std::uint32_t>()};
    Salt salt{};
    std::ranges::copy(unhex(one.at("salt")), salt.begin());
    const auto number = one.at("number").get<std::uint64_t>();
    const auto numbers = std::make_shared<EspNumbers>();
    numbers->last = number - 1;
    EspSender out(gcm(one), {spi, salt}, numbers);
    const Bytes inner = unhex(one.at("payload")), wire = unhex(one.at("packet"));
    EXPECT_EQ(test::seal(out, inner), wire) << one.at("name");
    const auto window = std::make_shared<EspWindow>(64);
    if (number > 1) window->window.take(number - 1);
    EspReceiver in(gcm(one), {spi, salt}, window);
    EXPECT_EQ(test::open(in, wire).inner, inner) << one.at("name");
    ++count;
  }
  EXPECT_GE(count, 5U);
}

}  // namespace
}  // namespace hasync::vpe
