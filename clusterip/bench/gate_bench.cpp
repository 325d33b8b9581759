// What one packet costs in the programs, by BPF_PROG_TEST_RUN with many repeats in the running kernel, and
// what the daemon's side of 10 000 SAs costs. As root; works in a network namespace of its own.
#include <benchmark/benchmark.h>
#include <bpf/bpf.h>
#include <linux/pkt_cls.h>
#include <sched.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "clusterip/adapters/bpf_gate.h"
#include "tests/unit/clusterip/frames.h"

namespace hasync::clusterip {
namespace {

using namespace std::chrono_literals;
using test::address;
using test::Bytes;

const std::string kVip = "192.0.2.1";
const std::string kPeer = "198.51.100.7";
constexpr std::uint32_t kSas = 10000;
constexpr int kRepeats = 100000;

OutboundKey sa(std::uint32_t spi) {
  return {address(kPeer), EspSpi{spi}};
}

BpfGate& gate() {
  static const auto instance = [] {
    auto created =
        unshare(CLONE_NEWNET) == 0
            ? BpfGate::create({.interfaces = {"lo"}, .vips = {address(kVip)}})
            : Result<std::unique_ptr<BpfGate>>(Error{Errc::Denied, "no network namespace; not root?"});
    if (!created) {
      std::fprintf(stderr, "%s\n", created.error().what.c_str());
      std::exit(1);
    }
    (*created)->set_all_deadlines(std::chrono::steady_clock::now().time_since_epoch() + 24h);
    std::vector<SaLimits> sas;
    for (std::uint32_t spi = 1; spi <= kSas; ++spi) sas.push_back({sa(spi), 1, 1U << 30});
    if (auto status = (*created)->set_sas(sas); !status) {
      std::fprintf(stderr, "%s\n", status.error().what.c_str());
      std::exit(1);
    }
    return *std::move(created);
  }();
  return *instance;
}

// The kernel reports the mean duration of one run, in whole nanoseconds.
void run_program(benchmark::State& state, bool egress, const Bytes& frame, std::uint32_t verdict) {
  const int program = gate().program_fd_for_test(egress);
  for (auto _ : state) {
    bpf_test_run_opts options;
    std::memset(&options, 0, sizeof(options));
    options.sz = sizeof(options);
    options.data_in = frame.data();
    options.data_size_in = static_cast<__u32>(frame.size());
    options.repeat = kRepeats;
    if (bpf_prog_test_run_opts(program, &options) != 0 || options.retval != verdict) {
      state.SkipWithError("the program did not run, or decided otherwise");
      return;
    }
    state.SetIterationTime(static_cast<double>(options.duration) * 1e-9);
  }
}

constexpr auto kPass = static_cast<std::uint32_t>(TC_ACT_UNSPEC);

void esp_leaves(benchmark::State& state) {
  run_program(state, true, test::ipv4_frame({.from = kVip, .to = kPeer}, test::esp(5000, 77, 1400)), kPass);
}
void esp_in_udp_leaves(benchmark::State& state) {
  const Bytes datagram = test::udp(4500, 4500, test::esp(5000, 77, 1400));
  run_program(state, true, test::ipv4_frame({.from = kVip, .to = kPeer, .protocol = 17}, datagram), kPass);
}
void esp_arrives(benchmark::State& state) {
  run_program(state, false, test::ipv4_frame({.from = kPeer, .to = kVip}, test::esp(9, 77, 1400)), kPass);
}
void other_traffic(benchmark::State& state) {
  run_program(state, true,
              test::ipv4_frame({.from = "192.0.2.11", .to = kPeer, .protocol = 6}, Bytes(1400, 0)), kPass);
}
void renew_all_deadlines(benchmark::State& state) {
  for (auto _ : state) gate().set_all_deadlines(std::chrono::steady_clock::now().time_since_epoch() + 24h);
}
void raise_10000_ceilings(benchmark::State& state) {
  gate();
  std::vector<SaLimits> sas;
  for (std::uint32_t spi = 1; spi <= kSas; ++spi) sas.push_back({sa(spi), 1, 1U << 30});
  for (auto _ : state) {
    if (!gate().set_sas(sas)) state.SkipWithError("refused");
  }
}
void read_10000_tops(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(gate().tops());
}
void ask_10000_at_rest(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(gate().moved());
}
void check_attached(benchmark::State& state) {
  for (auto _ : state) {
    if (!gate().check_attached()) state.SkipWithError("detached");
  }
}

BENCHMARK(esp_leaves)->UseManualTime()->Iterations(20);
BENCHMARK(esp_in_udp_leaves)->UseManualTime()->Iterations(20);
BENCHMARK(esp_arrives)->UseManualTime()->Iterations(20);
BENCHMARK(other_traffic)->UseManualTime()->Iterations(20);
BENCHMARK(renew_all_deadlines);
BENCHMARK(raise_10000_ceilings)->Unit(benchmark::kMicrosecond);
BENCHMARK(read_10000_tops)->Unit(benchmark::kMicrosecond);
BENCHMARK(ask_10000_at_rest)->Unit(benchmark::kMicrosecond);
BENCHMARK(check_attached)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace hasync::clusterip

BENCHMARK_MAIN();
