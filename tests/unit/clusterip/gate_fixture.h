// A gate attached to the loopback of a network namespace of its own, and a way to hand single frames to its
// programs (BPF_PROG_TEST_RUN). Needs root.
#pragma once

#include <bpf/bpf.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <sched.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <optional>

#include "clusterip/adapters/bpf_gate.h"
#include "clusterip/segment.h"
#include "tests/unit/clusterip/frames.h"

namespace hasync::clusterip::test {

inline const std::string kVip = "192.0.2.1";
inline const std::string kVip6 = "2001:db8::1";
inline const std::string kPeer = "198.51.100.7";
inline constexpr EspSpi kSpi{0xc0ffee01};

using namespace std::chrono_literals;

inline Deadline now() {
  return std::chrono::steady_clock::now().time_since_epoch();
}

struct Gso {
  std::uint32_t size = 0;
  std::uint32_t segments = 0;
};

class GateTest : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "eBPF programs are loaded by root only";
    ASSERT_EQ(unshare(CLONE_NEWNET), 0) << std::strerror(errno);
    gate_ = make_gate();
  }

  static std::unique_ptr<BpfGate> make_gate(BpfGateConfig config = {}) {
    config.interfaces = {"lo"};
    config.vips = {address(kVip), address(kVip6)};
    auto gate = BpfGate::create(config);
    if (!gate) ADD_FAILURE() << gate.error().what;
    return gate ? *std::move(gate) : nullptr;
  }

  // What the program said: true let the frame go, false dropped it. Empty: the kernel refused to run the
  // program on a frame this short.
  std::optional<bool> run(bool egress, const Bytes& frame, Gso gso = {}) const {
    __sk_buff context{};
    context.gso_size = gso.size;
    context.gso_segs = gso.segments;
    bpf_test_run_opts options;
    std::memset(&options, 0, sizeof(options));
    options.sz = sizeof(options);
    options.data_in = frame.data();
    options.data_size_in = static_cast<__u32>(frame.size());
    options.ctx_in = &context;
    options.ctx_size_in = sizeof(context);
    const int status = bpf_prog_test_run_opts(gate_->program_fd_for_test(egress), &options);
    if (status == -EINVAL) return std::nullopt;
    EXPECT_EQ(status, 0) << std::strerror(-status);
    EXPECT_TRUE(options.retval == static_cast<__u32>(TC_ACT_UNSPEC) || options.retval == TC_ACT_SHOT);
    return options.retval == static_cast<__u32>(TC_ACT_UNSPEC);
  }

  // Runs one frame; the verdict must be counted as `reason` and nothing else (empty: not counted, passed).
  void expect(bool egress, const Bytes& frame, std::optional<Reason> reason, Gso gso = {},
              const testing::Message& note = {}) const {
    const auto before = count(egress);
    const auto passed = run(egress, frame, gso);
    const auto after = count(egress);
    ASSERT_TRUE(passed.has_value()) << "the kernel refused the frame " << note;
    EXPECT_EQ(*passed, !reason || *reason == Reason::Passed) << note;
    for (std::size_t i = 0; i < kReasons; ++i) {
      const bool expected = reason && i == static_cast<std::size_t>(*reason);
      EXPECT_EQ(after.by_reason[i] - before.by_reason[i], expected ? 1U : 0U)
          << to_string(static_cast<Reason>(i)) << " " << note;
    }
  }
  void expect_out(const Bytes& frame, std::optional<Reason> reason, Gso gso = {},
                  const testing::Message& note = {}) {
    expect(true, frame, reason, gso, note);
  }
  void expect_in(const Bytes& frame, std::optional<Reason> reason) { expect(false, frame, reason); }

  DirectionCounters count(bool egress) const {
    const auto counters = gate_->counters();
    EXPECT_TRUE(counters);
    return egress ? counters->egress : counters->ingress;
  }

  static OutboundKey sa(EspSpi spi = kSpi, const std::string& peer = kPeer) { return {address(peer), spi}; }

  void open(std::uint64_t floor, std::uint64_t ceiling, OutboundKey key = sa()) {
    const SaLimits limits{key, floor, ceiling};
    const auto status = gate_->set_sas({&limits, 1});
    ASSERT_TRUE(status) << status.error().what;
  }

  static Bytes esp_out(std::uint32_t number, EspSpi spi = kSpi) {
    return ipv4_frame({.from = kVip, .to = kPeer}, esp(spi.value, number));
  }

  std::unique_ptr<BpfGate> gate_;
};

}  // namespace hasync::clusterip::test
