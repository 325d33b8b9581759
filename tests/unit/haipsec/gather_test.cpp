// What is read from the kernel's tables, from files of keys, and from hasyncd's reply.
#include "haipsec/check/gather.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "haipsec/check/certificates.h"
#include "haipsec/check/cluster_facts.h"
#include "hasyncd/adapters/status_json.h"

namespace hasync::haipsec {
namespace {

namespace fs = std::filesystem;

TEST(Routes, OfBothFamiliesAreRead) {
  const auto v4 = ipv4_routes(
      "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
      "wan0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
      "ring0\t00004D0A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n");
  ASSERT_EQ(v4.size(), 2U);
  EXPECT_EQ(v4[0].interface, "wan0");
  EXPECT_EQ(v4[0].prefix, 96U);
  EXPECT_EQ(to_string(v4[1].network), "10.77.0.0");
  EXPECT_EQ(v4[1].prefix, 96U + 24);

  const auto v6 = ipv6_routes(
      "20010db8000000000000000000000000 20 00000000000000000000000000000000 00 "
      "00000000000000000000000000000000 00000100 00000001 00000000 00000001     wan0\n"
      "00000000000000000000000000000001 80 00000000000000000000000000000000 00 "
      "00000000000000000000000000000000 00000000 00000001 00000000 80200001       lo\n");
  ASSERT_EQ(v6.size(), 1U);
  EXPECT_EQ(to_string(v6[0].network), "2001:db8::");
  EXPECT_EQ(v6[0].prefix, 32U);

  EXPECT_TRUE(ipv4_routes("nonsense\nwan0 xyz 0 0 0 0 0 0\n").empty());
  EXPECT_TRUE(ipv6_routes("nonsense\n").empty());
}

class CertificatesTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "certificates-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    fs::create_directory(folder_ / "x509");
    fs::create_directory(folder_ / "private");
    key_.reset(EVP_EC_gen("P-256"));
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::unique_ptr<FILE, decltype(&std::fclose)> file(const std::string& name) const {
    return {std::fopen((folder_ / name).c_str(), "we"), &std::fclose};
  }

  void write_certificate(const std::string& name, long seconds, bool pem) const {
    const std::unique_ptr<X509, decltype(&X509_free)> x509(X509_new(), &X509_free);
    X509_gmtime_adj(X509_getm_notBefore(x509.get()), -1000000);
    X509_gmtime_adj(X509_getm_notAfter(x509.get()), seconds);
    X509_set_pubkey(x509.get(), key_.get());
    X509_sign(x509.get(), key_.get(), EVP_sha256());
    const auto out = file(name);
    pem ? PEM_write_X509(out.get(), x509.get()) : i2d_X509_fp(out.get(), x509.get());
  }

  std::map<std::string, Certificate> read() const {
    std::map<std::string, Certificate> out;
    for (const Certificate& one : read_certificates(folder_))
      out.emplace(fs::path(one.file).filename().string(), one);
    return out;
  }

  fs::path folder_;
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_{nullptr, &EVP_PKEY_free};
};

TEST_F(CertificatesTest, BothFormsAreReadAndNonsenseIsNamed) {
  write_certificate("x509/gw.pem", 86400 * 30, true);
  write_certificate("x509/gw.der", -500, false);
  std::ofstream(folder_ / "x509/broken.pem") << "-----BEGIN CERTIFICATE-----\nAAAA\n";
  const auto read_back = read();
  EXPECT_EQ(read_back.at("gw.pem").problem, "");
  EXPECT_NEAR(static_cast<double>(read_back.at("gw.pem").seconds_left), 86400 * 30, 60);
  EXPECT_EQ(read_back.at("gw.der").problem, "");
  EXPECT_LT(read_back.at("gw.der").seconds_left, 0);
  EXPECT_EQ(read_back.at("broken.pem").problem, "is no X.509 certificate, neither PEM nor DER");
}

TEST_F(CertificatesTest, WhatIsNoFileIsNamedAndAFolderForOldOnesIsNot) {
  fs::create_directory(folder_ / "x509/old");
  fs::create_directory(folder_ / "x509/gw.pem");
  ASSERT_EQ(::mkfifo((folder_ / "x509/pipe.pem").c_str(), 0600), 0);
  fs::create_symlink("/gone", folder_ / "x509/gone.pem");
  std::ofstream(folder_ / "x509/empty.pem").flush();
  const auto read_back = read();
  EXPECT_EQ(read_back.size(), 4U);
  EXPECT_EQ(read_back.at("gw.pem").problem, "is no file, so swanctl passes it over");
  EXPECT_EQ(read_back.at("pipe.pem").problem, "is no file, so swanctl passes it over");
  EXPECT_EQ(read_back.at("gone.pem").problem, "cannot be read: No such file or directory");
  EXPECT_EQ(read_back.at("empty.pem").problem, "is no X.509 certificate, neither PEM nor DER");
}

TEST_F(CertificatesTest, APrivateKeyWithAPassphraseIsCharonsMatter) {
  PEM_write_PrivateKey(file("private/plain.pem").get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
  std::string word = "secret";
  PEM_write_PrivateKey(file("private/locked.pem").get(), key_.get(), EVP_aes_128_cbc(), nullptr, 0, nullptr,
                       word.data());
  i2d_PrivateKey_fp(file("private/plain.der").get(), key_.get());
  std::ofstream(folder_ / "private/empty.pem").flush();
  const auto read_back = read();
  for (const char* name : {"plain.pem", "locked.pem", "plain.der"})
    EXPECT_EQ(read_back.at(name).problem, "") << name;
  EXPECT_EQ(read_back.at("empty.pem").problem, "is no private key, neither PEM nor DER");
}

TEST(ClusterFactsTest, ComeThroughTheReplyAsHasyncdTellsThem) {
  hasyncd::CheckStatus told;
  told.node.version = "0.1.0";
  told.node.role = "gateway";
  told.node.state = "owner";
  told.node.quorate = told.node.ring_connected = true;
  told.node.fence = {true, {}, std::chrono::microseconds{50000}, std::chrono::microseconds{80000}};
  told.node.tunnels = 4;
  told.node.unprotected = 1;
  told.node.counters = {{"clock_steps", 3}};
  told.node.members = {{.id = NodeId{1},
                        .name = "gw1",
                        .role = "gateway",
                        .self = true,
                        .in_ring = true,
                        .in_epoch = true,
                        .owner = true,
                        .ready = true,
                        .refused = 6}};
  told.answers = {{.name = "gw1", .answered = true, .speaks_newer = true, .version = "0.1.0"}};
  told.answers[0].clock_ahead = std::chrono::milliseconds{-7};
  told.answers[0].clock_uncertain = std::chrono::milliseconds{2};
  told.answers[0].charon = hasyncd::AboutCharon{"5.9.8", "0.1.0", 5, 6, {{"branch", {"net"}}}, 9};
  told.strangers = {{"10.77.0.9", "gw2", 7, {}}};
  told.interfaces = {"wan0"};
  told.gate_problem = "gone";
  told.bypassed = 2;
  told.first_bypassed = "an SA: why";
  const auto reply = nlohmann::ordered_json::parse(hasyncd::to_line(told));
  const auto tunnels = nlohmann::ordered_json::parse(R"([{"peer": "192.0.2.9"}, {"peer": "192.0.2.9"}, 7])");

  const ClusterFacts facts = cluster_facts(reply["check"], tunnels);
  EXPECT_EQ(facts.version, "0.1.0");
  EXPECT_TRUE(facts.gateway && facts.ring_connected && facts.quorate);
  EXPECT_EQ(facts.fence_us, 80000);
  EXPECT_EQ(facts.least_margin_us, 50000);
  EXPECT_EQ(facts.tunnels, 4U);
  EXPECT_EQ(facts.unprotected, 1U);
  EXPECT_EQ(facts.clock_steps, 3U);
  ASSERT_EQ(facts.members.size(), 1U);
  const MemberFact& gw1 = facts.members[0];
  EXPECT_TRUE(gw1.self && gw1.in_ring && gw1.in_epoch && gw1.owner && gw1.ready && gw1.answered &&
              gw1.speaks_newer);
  EXPECT_EQ(gw1.refused, 6U);
  EXPECT_EQ(gw1.clock_ahead_ms, -7);
  EXPECT_EQ(gw1.clock_uncertain_ms, 2);
  ASSERT_TRUE(gw1.charon);
  EXPECT_EQ(gw1.charon->spi_max, 6U);
  EXPECT_EQ(gw1.charon->left_out, 9U);
  EXPECT_EQ(gw1.charon->connections.at(0).children, std::vector<std::string>{"net"});
  EXPECT_EQ(facts.strangers.at(0).member, "gw2");
  EXPECT_EQ(facts.interfaces, std::vector<std::string>{"wan0"});
  EXPECT_EQ(facts.gate_problem, "gone");
  EXPECT_EQ(facts.bypassed, 2U);
  EXPECT_EQ(facts.first_bypassed, "an SA: why");
  EXPECT_EQ(facts.peers, std::vector<Address>{Address::v4(192, 0, 2, 9)});

  EXPECT_TRUE(cluster_facts(nlohmann::ordered_json::array(), {}).members.empty());
}

}  // namespace
}  // namespace hasync::haipsec
