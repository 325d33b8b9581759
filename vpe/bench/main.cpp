// bench_vpe: the engines without input or output. One JSON object: samples of each row, and what the figure
// shows. Contenders take turns within each round, so that what else the machine does meets all of them.
#include <pthread.h>
#include <sched.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "vpe/bench/contenders.h"
#include "vpe/bench/overtaking.h"

namespace {

using namespace hasync::vpe;
using namespace hasync::vpe::bench;
using Clock = std::chrono::steady_clock;
using Samples = std::map<std::string, std::vector<double>>;
using std::chrono::milliseconds;
using Makes = std::function<Made(std::uint8_t core)>;

void pin(unsigned core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  if (::pthread_setaffinity_np(::pthread_self(), sizeof(set), &set) != 0) {
    std::cerr << "bench_vpe: processor " << core << " is not to be had\n";
    std::exit(1);
  }
}

double gbps(std::size_t size, double ns) {
  return static_cast<double>(size) * 8 / ns;
}

struct Times {
  double seal = 0,
         open = 0;  // ns for a packet: the median of passes, so that one that was interrupted does not count
  double mean = 0;  // of both together, interruptions and waiting for others included
};

double median_ns(std::vector<std::chrono::nanoseconds>& passes) {
  const auto middle = passes.begin() + static_cast<std::ptrdiff_t>(passes.size() / 2);
  std::nth_element(passes.begin(), middle, passes.end());
  return static_cast<double>(middle->count()) / kPackets;
}

Times slice(Contender& one, milliseconds lasting) {
  std::vector<std::chrono::nanoseconds> sealing, opening;
  const auto start = Clock::now();
  auto now = start;
  while (now - start < lasting) {
    const auto begin = now;
    one.seal();
    const auto between = Clock::now();
    one.open();
    now = Clock::now();
    sealing.push_back(between - begin);
    opening.push_back(now - between);
  }
  const double mean =
      static_cast<double>((now - start).count()) / static_cast<double>(sealing.size() * kPackets);
  return {median_ns(sealing), median_ns(opening), mean};
}

// One core, several sizes.
void engines(int rounds, Samples& samples) {
  pin(0);
  for (const std::size_t size : {64U, 128U, 256U, 512U, 1024U, 1420U}) {
    const Made by_raw = raw(size), by_vpe = vpe_engine(size, 0), by_esp = simple_esp(size);
    const std::string of = "_" + std::to_string(size);
    for (Contender* one : {by_raw.get(), by_vpe.get(), by_esp.get()}) slice(*one, milliseconds(5));
    for (int round = 0; round < rounds; ++round) {
      const Times raw = slice(*by_raw, milliseconds(8));
      const Times vpe = slice(*by_vpe, milliseconds(8));
      const Times esp = slice(*by_esp, milliseconds(8));
      samples["engine_encrypt_ratio" + of].push_back(raw.seal / vpe.seal);
      samples["engine_decrypt_ratio" + of].push_back(raw.open / vpe.open);
      for (const auto& [who, times] : {std::pair{"raw", raw}, {"vpe", vpe}, {"esp", esp}}) {
        samples[who + ("_encrypt_gbps" + of)].push_back(gbps(size, times.seal));
        samples[who + ("_decrypt_gbps" + of)].push_back(gbps(size, times.open));
      }
    }
    if (by_vpe->lost() + by_esp->lost() != 0) {
      std::cerr << "bench_vpe: an engine did not take its own packets\n";
      std::exit(1);
    }
  }
}

struct Rate {
  double packets_per_second = 0;
  std::size_t lost = 0;
};

// All at once, one thread on each of these processors; each packet is sealed and opened there.
Rate at_once(const Makes& makes, const std::vector<unsigned>& cores, milliseconds lasting) {
  std::atomic<std::size_t> ready{0};
  std::vector<Rate> rates(cores.size());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < cores.size(); ++i) {
    threads.emplace_back([&, i] {
      pin(cores[i]);
      const Made one = makes(static_cast<std::uint8_t>(i));
      slice(*one, milliseconds(2));
      const std::size_t lost_before = one->lost();
      ++ready;
      while (ready < cores.size()) std::this_thread::yield();
      const Times times = slice(*one, lasting);
      rates[i] = {1e9 / times.mean, one->lost() - lost_before};
    });
  }
  for (auto& thread : threads) thread.join();
  Rate out;
  for (const Rate& rate : rates) {
    out.packets_per_second += rate.packets_per_second;
    out.lost += rate.lost;
  }
  return out;
}

// Two cores against one.
void scaling(int rounds, Samples& samples) {
  constexpr std::size_t size = 1420;
  constexpr milliseconds lasting{60};
  const auto shared_esp = [](std::uint32_t window_bits) -> Makes {
    const auto numbers = std::make_shared<EspNumbers>();
    const auto window = std::make_shared<EspWindow>(window_bits);
    return [=](std::uint8_t) { return parallel_esp(size, numbers, window); };
  };
  const Makes copies = [](std::uint8_t) { return copying(size); };
  const Makes cipher = [](std::uint8_t) { return raw(size); };
  const Makes vpe = [](std::uint8_t core) { return vpe_engine(size, core); };
  const Makes simple = [](std::uint8_t) { return simple_esp(size); };
  const auto on_one = [&](const Makes& makes) {
    return (at_once(makes, {0}, lasting).packets_per_second +
            at_once(makes, {1}, lasting).packets_per_second) /
           2;
  };
  for (int round = 0; round < rounds; ++round) {
    const double one_cipher = on_one(cipher), one_copies = on_one(copies), one_vpe = on_one(vpe),
                 one_esp = on_one(simple);
    const Rate two_copies = at_once(copies, {0, 1}, lasting), two_vpe = at_once(vpe, {0, 1}, lasting);
    const Rate two_esp = at_once(shared_esp(65536), {0, 1}, lasting);
    const Rate two_cipher = at_once(cipher, {0, 1}, lasting);
    samples["cipher_scaling"].push_back(two_cipher.packets_per_second / one_cipher);
    samples["copy_scaling"].push_back(two_copies.packets_per_second / one_copies);
    samples["vpe_scaling"].push_back(two_vpe.packets_per_second / one_vpe);
    samples["esp_parallel_scaling"].push_back(two_esp.packets_per_second / one_esp);
    samples["esp_parallel_lost"].push_back(static_cast<double>(two_esp.lost));
    const auto both_ways = [](double packets) { return packets * size * 8 / 1e9; };
    samples["vpe_gbps_1_core"].push_back(both_ways(one_vpe));
    samples["vpe_gbps_2_cores"].push_back(both_ways(two_vpe.packets_per_second));
    samples["esp_simple_gbps"].push_back(both_ways(one_esp));
    samples["esp_parallel_gbps_1_core"].push_back(both_ways(on_one(shared_esp(65536))));
    samples["esp_parallel_gbps_2_cores"].push_back(both_ways(two_esp.packets_per_second));
  }
}

void windows(Samples& samples) {
  const auto percent = [](Lost lost) {
    return 100.0 * static_cast<double>(lost.lost) / static_cast<double>(lost.sent);
  };
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const Lost vpe = low_priority_lost_by_vpe(64, seed), narrow = low_priority_lost_by_esp(64, seed),
               wide = low_priority_lost_by_esp(1024, seed), group = lost_of_senders(100, seed);
    samples["qos_drops_vpe"].push_back(static_cast<double>(vpe.lost));
    samples["qos_drops_esp_64_percent"].push_back(percent(narrow));
    samples["qos_drops_esp_1024_percent"].push_back(percent(wide));
    samples["qos_low_priority_sent"].push_back(static_cast<double>(vpe.sent));
    samples["multicast_false_drops"].push_back(static_cast<double>(group.lost));
    samples["multicast_sent"].push_back(static_cast<double>(group.sent));
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"the engines of VPE and ESP against the cipher alone, each other and a second core"};
  int rounds = 40;
  app.add_option("--rounds", rounds, "of each comparison")->check(CLI::Range(1, 10000));
  CLI11_PARSE(app, argc, argv);
  if (std::thread::hardware_concurrency() < 2) {
    std::cerr << "bench_vpe: needs two processors\n";
    return 1;
  }
  Samples samples;
  windows(samples);
  engines(rounds, samples);
  scaling(rounds, samples);
  std::cout << nlohmann::json{{"samples", samples}} << "\n";
}
