// What one packet costs in the programs, by BPF_PROG_TEST_RUN with many repeats in the running kernel, and
// what the daemon's side of 10 000 SAs costs. As root; works in a network namespace of its own.
#include <benchmark/benchmark.h>
#include <bpf/bpf.h>
#include <linux/pkt_cls.h>
#include <sched.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <map>

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

// A number leaves once, and BPF_PROG_TEST_RUN repeats one frame: this program raises the number in it and
// goes on with the gate's. What that costs is in the figure.
int counting(int program, std::int16_t number_at) {
  const __u32 first = 0;
  const int next =
      bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, nullptr, sizeof(first), sizeof(program), 1, nullptr);
  if (next < 0 || bpf_map_update_elem(next, &first, &program, BPF_ANY) != 0) return -1;
  constexpr __u8 kLoad = BPF_LDX | BPF_MEM | BPF_W;
  constexpr __u8 kMove = BPF_ALU64 | BPF_MOV | BPF_X;
  constexpr __u8 kSwap = BPF_ALU | BPF_END | BPF_TO_BE;
  // NOLINTBEGIN(misc-redundant-expression): some of the kernel's names stand for 0
  const bpf_insn insns[] = {
      {kLoad, 2, 1, offsetof(__sk_buff, data), 0},
      {kLoad, 3, 1, offsetof(__sk_buff, data_end), 0},
      {kMove, 4, 2, 0, 0},
      {BPF_ALU64 | BPF_ADD | BPF_K, 4, 0, 0, number_at + 4},
      {BPF_JMP | BPF_JGT | BPF_X, 4, 3, 9, 0},  // the frame is too short
      {kLoad, 5, 2, number_at, 0},
      {kSwap, 5, 0, 0, 32},
      {BPF_ALU | BPF_ADD | BPF_K, 5, 0, 0, 1},
      {kSwap, 5, 0, 0, 32},
      {BPF_STX | BPF_MEM | BPF_W, 2, 5, number_at, 0},
      {BPF_LD | BPF_DW | BPF_IMM, 2, BPF_PSEUDO_MAP_FD, 0, next},
      {0, 0, 0, 0, 0},
      {BPF_ALU64 | BPF_MOV | BPF_K, 3, 0, 0, 0},
      {BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_tail_call},
      {BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, TC_ACT_SHOT},
      {BPF_JMP | BPF_EXIT, 0, 0, 0, 0},
  };
  // NOLINTEND(misc-redundant-expression)
  return bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "count", "GPL", insns, std::size(insns), nullptr);
}

// The kernel reports the mean duration of one run, in whole nanoseconds.
void run_program(benchmark::State& state, int program, const Bytes& frame, std::uint32_t verdict) {
  Bytes next = frame;
  for ([[maybe_unused]] auto _ : state) {
    bpf_test_run_opts options;
    std::memset(&options, 0, sizeof(options));
    options.sz = sizeof(options);
    options.data_in = next.data();
    options.data_size_in = static_cast<__u32>(next.size());
    options.data_out = next.data();  // the last run's, so that the next sample counts on
    options.data_size_out = static_cast<__u32>(next.size());
    options.repeat = kRepeats;
    if (bpf_prog_test_run_opts(program, &options) != 0 || options.retval != verdict) {
      state.SkipWithError("the program did not run, or decided otherwise");
      return;
    }
    state.SetIterationTime(static_cast<double>(options.duration) * 1e-9);
  }
}

// Each benchmark runs several times in one process: its SA's numbers must go on behind what has left.
Bytes numbered(Bytes frame, std::size_t number_at, std::uint32_t spi) {
  const auto number = static_cast<std::uint32_t>(gate().top(sa(spi)).value_or(1));
  for (std::size_t i = 0; i < 4; ++i)
    frame[number_at + i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  return frame;
}

void run_leaving(benchmark::State& state, const Bytes& frame, std::size_t number_at) {
  constexpr std::uint32_t kSpi = 5000;
  static std::map<std::size_t, int> programs;
  const auto program = programs.try_emplace(number_at, -1).first;
  if (program->second < 0) {
    program->second = counting(gate().program_fd_for_test(true), static_cast<std::int16_t>(number_at));
  }
  run_program(state, program->second, numbered(frame, number_at, kSpi),
              static_cast<std::uint32_t>(TC_ACT_UNSPEC));
}

constexpr auto kPass = static_cast<std::uint32_t>(TC_ACT_UNSPEC);

void esp_leaves(benchmark::State& state) {
  run_leaving(state, test::ipv4_frame({.from = kVip, .to = kPeer}, test::esp(5000, 77, 1400)), 14 + 20 + 4);
}
void esp_in_udp_leaves(benchmark::State& state) {
  const Bytes datagram = test::udp(4500, 4500, test::esp(5000, 77, 1400));
  run_leaving(state, test::ipv4_frame({.from = kVip, .to = kPeer, .protocol = 17}, datagram),
              14 + 20 + 8 + 4);
}
void esp_arrives(benchmark::State& state) {
  run_program(state, gate().program_fd_for_test(false),
              test::ipv4_frame({.from = kPeer, .to = kVip}, test::esp(9, 77, 1400)), kPass);
}
void other_traffic(benchmark::State& state) {
  run_program(state, gate().program_fd_for_test(true),
              test::ipv4_frame({.from = "192.0.2.11", .to = kPeer, .protocol = 6}, Bytes(1400, 0)), kPass);
}
void renew_all_deadlines(benchmark::State& state) {
  for ([[maybe_unused]] auto _ : state)
    gate().set_all_deadlines(std::chrono::steady_clock::now().time_since_epoch() + 24h);
}
void raise_10000_ceilings(benchmark::State& state) {
  gate();
  std::vector<SaLimits> sas;
  for (std::uint32_t spi = 1; spi <= kSas; ++spi) sas.push_back({sa(spi), 1, 1U << 30});
  for ([[maybe_unused]] auto _ : state) {
    if (!gate().set_sas(sas)) state.SkipWithError("refused");
  }
}
void read_10000_tops(benchmark::State& state) {
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(gate().tops());
}
void ask_10000_at_rest(benchmark::State& state) {
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(gate().moved());
}
void check_gate(benchmark::State& state) {
  for ([[maybe_unused]] auto _ : state) {
    if (!gate().check()) state.SkipWithError("detached");
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
BENCHMARK(check_gate)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace hasync::clusterip

BENCHMARK_MAIN();
