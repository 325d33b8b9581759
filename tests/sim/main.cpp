// sim: runs simulated clusters and says which seed breaks a promise.
//   sim --seeds 500 [--from 1]    many; stops at the first failure
//   sim --seed 17 --verbose       one, told as a story
//   sim --seeds 500 --mutation no-gate --expect-failure    is the checker awake?
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <map>
#include <string>

#include "tests/sim/cluster.h"

namespace {

using hasync::sim::Mutation;

const std::map<std::string, Mutation> kMutations = {
    {"none", Mutation::None},
    {"no-fence", Mutation::NoFence},
    {"early-fence", Mutation::EarlyFence},
    {"stuck-fence", Mutation::StuckFence},
    {"no-gate", Mutation::NoGate},
    {"no-numbers", Mutation::NoNumbers},
    {"response_before_stable", Mutation::ResponseBeforeStable},
    {"forgetful", Mutation::Forgetful},
};

double milliseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"simulated hasyncd clusters"};
  std::uint64_t seed = 0;
  std::uint64_t from = 1;
  std::uint64_t seeds = 100;
  std::uint64_t keep_going = 1;
  bool verbose = false;
  bool expect_failure = false;
  Mutation mutation = Mutation::None;
  app.add_option("--seed", seed, "run this one only");
  app.add_option("--seeds", seeds, "how many");
  app.add_option("--from", from, "the first one");
  app.add_option("--failures", keep_going, "stop after this many failures");
  app.add_flag("--verbose", verbose, "tell the story");
  app.add_option("--mutation", mutation, "break something on purpose")
      ->transform(CLI::CheckedTransformer(kMutations));
  app.add_flag("--expect-failure", expect_failure, "succeed if a seed fails");
  CLI11_PARSE(app, argc, argv);
  if (seed != 0) {
    from = seed;
    seeds = 1;
  }
  std::uint64_t failed = 0;
  std::uint64_t packets = 0;
  std::uint64_t takeovers = 0;
  std::uint64_t ran = 0;
  std::chrono::nanoseconds longest{};
  const auto start = std::chrono::steady_clock::now();
  for (std::uint64_t i = from; i < from + seeds && failed < keep_going; ++i, ++ran) {
    hasync::sim::Cluster cluster(i, mutation, verbose);
    const auto verdict = cluster.run();
    packets += verdict.packets;
    takeovers += verdict.takeovers;
    longest = std::max(longest, verdict.settled);
    if (!verdict.failure) continue;
    ++failed;
    std::printf("seed %llu fails at %.3f ms: %s\n  replay: sim --seed %llu --verbose\n",
                static_cast<unsigned long long>(i), milliseconds(verdict.at), verdict.failure->c_str(),
                static_cast<unsigned long long>(i));
  }
  const auto took = std::chrono::steady_clock::now() - start;
  std::printf(
      "%llu seeds, %llu failures, %llu packets left, %llu takeovers, settled within %.0f ms, %.0f seeds/s\n",
      static_cast<unsigned long long>(ran), static_cast<unsigned long long>(failed),
      static_cast<unsigned long long>(packets), static_cast<unsigned long long>(takeovers),
      milliseconds(longest), static_cast<double>(ran) / std::chrono::duration<double>(took).count());
  return (failed != 0) == expect_failure ? 0 : 1;
}
