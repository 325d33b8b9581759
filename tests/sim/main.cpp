// sim: runs simulated clusters and says which seed breaks a promise.
//   sim --seeds 500 [--from 1]         many
//   sim --seed 17 --verbose            one, told as a story
//   sim --seeds 500 --mutation no_gate one promise broken on purpose: does a seed show it?
//   sim --seeds 2000 --mutations       all of them, besides the seeds without
//   sim --nightly                      100 000 seeds, 25 000 of each kind of two gateways, and all mutations
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/cluster.h"
#include "tests/sim/vpe_cluster.h"

namespace {

using hasync::sim::Verdict;
using Kind = hasync::sim::Cluster::Kind;

constexpr std::uint64_t kEnough = 5000;  // seeds: among so many one shows each mutation

struct Options {
  std::uint64_t from = 1;
  std::uint64_t seeds = 100;
  std::uint64_t failures = 1;
  std::string mutation;
  Kind kind = Kind::Any;
  bool verbose = false;
};

struct Tally {
  std::uint64_t seeds = 0;
  std::uint64_t violations = 0;
  std::uint64_t packets = 0;
  std::uint64_t takeovers = 0;
  std::chrono::nanoseconds longest{};
  double seconds = 0;            // of a processor: others may be busy on it
  std::optional<Verdict> first;  // violation

  double per_second() const { return static_cast<double>(seeds) / seconds; }
};

double milliseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

void tell(const Verdict& verdict, Kind kind) {
  const auto seed = static_cast<unsigned long long>(verdict.seed);
  const char* which = kind == Kind::TwoSafe ? " --two" : kind == Kind::TwoAvailable ? " --available" : "";
  std::fprintf(stderr, "seed %llu fails at %.3f ms: %s\n  replay: sim%s --seed %llu --verbose\n", seed,
               milliseconds(verdict.at), verdict.failure->c_str(), which, seed);
}

// One cluster of each kind; a mutation is of one kind only.
Verdict play(std::uint64_t seed, const Options& options) {
  if (hasync::sim::is_vpe(options.mutation))
    return hasync::sim::VpeCluster(seed, options.mutation, options.verbose).run();
  Verdict verdict = hasync::sim::Cluster(seed, options.mutation, options.verbose, options.kind).run();
  if (verdict.failure || !options.mutation.empty()) return verdict;
  verdict.failure = hasync::sim::VpeCluster(seed, "", options.verbose).run().failure;
  return verdict;
}

Tally run(const Options& options) {
  Tally out;
  const std::clock_t start = std::clock();
  for (std::uint64_t seed = options.from; out.seeds < options.seeds; ++seed) {
    const Verdict verdict = play(seed, options);
    ++out.seeds;
    out.packets += verdict.packets;
    out.takeovers += verdict.takeovers;
    out.longest = std::max(out.longest, verdict.settled);
    const bool counts = verdict.failure &&
                        (options.mutation.empty() || hasync::sim::breaks(options.mutation, *verdict.failure));
    if (!counts) continue;
    if (!out.first) out.first = verdict;
    if (options.mutation.empty()) tell(verdict, options.kind);
    if (++out.violations == options.failures) break;
  }
  out.seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  return out;
}

void add(Tally& to, const Tally& more) {
  to.seeds += more.seeds;
  to.violations += more.violations;
  to.packets += more.packets;
  to.takeovers += more.takeovers;
  to.longest = std::max(to.longest, more.longest);
  to.seconds += more.seconds;
}

// Any clusters, and a quarter as many of each kind of two gateways, as the tests have it.
Tally run_nightly(Options options) {
  options.seeds = 100'000;
  options.kind = Kind::Any;
  Tally out = run(options);
  options.seeds /= 4;
  for (const Kind kind : {Kind::TwoSafe, Kind::TwoAvailable}) {
    options.kind = kind;
    add(out, run(options));
  }
  return out;
}

Tally run_broken(Options options, const std::string& mutation) {
  options.mutation = mutation;
  options.failures = 1;
  const Tally tally = run(options);
  const auto number = [](auto n) { return static_cast<unsigned long long>(n); };
  if (tally.first) {
    std::fprintf(stderr, "%-28s caught by seed %llu: %s\n", mutation.c_str(), number(tally.first->seed),
                 tally.first->failure->c_str());
  } else {
    std::fprintf(stderr, "%-28s not noticed in %llu seeds\n", mutation.c_str(), number(tally.seeds));
  }
  return tally;
}

// Whether any seed shows what was broken, and none its premise.
bool caught(const Options& options, const std::string& mutation) {
  if (!run_broken(options, mutation).first) return false;
  const std::string premise = hasync::sim::premise_of(mutation);
  return premise.empty() || !run_broken(options, premise).first;
}

// How many are. Few seeds need not show each of them, and not every kind of cluster can.
std::size_t caught_of(const std::vector<std::string>& mutations, Options options) {
  options.seeds = std::max(options.seeds, kEnough);
  options.kind = Kind::Any;
  return static_cast<std::size_t>(
      std::ranges::count_if(mutations, [&](const std::string& name) { return caught(options, name); }));
}

void print(const Tally& tally, std::size_t mutations, std::size_t mutations_caught, bool json) {
  const auto number = [](auto n) { return static_cast<unsigned long long>(n); };
  if (json) {
    std::printf(
        "{\"seeds\":%llu,\"violations\":%llu,\"mutations\":%llu,\"mutations_caught\":%llu,"
        "\"seeds_per_second\":%.0f,\"packets\":%llu,\"takeovers\":%llu,\"settled_ms_max\":%.0f}\n",
        number(tally.seeds), number(tally.violations), number(mutations), number(mutations_caught),
        tally.per_second(), number(tally.packets), number(tally.takeovers), milliseconds(tally.longest));
    return;
  }
  std::printf("%llu seeds, %llu violations, %llu packets left, %llu takeovers, settled within %.0f ms, ",
              number(tally.seeds), number(tally.violations), number(tally.packets), number(tally.takeovers),
              milliseconds(tally.longest));
  std::printf("%.0f seeds/s of processor time", tally.per_second());
  if (mutations != 0)
    std::printf(", %llu of %llu mutations caught", number(mutations_caught), number(mutations));
  std::printf("\n");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"simulated hasyncd clusters"};
  Options options;
  std::uint64_t seed = 0;
  bool nightly = false;
  bool mutations = false;
  bool json = false;
  app.add_option("--seed", seed, "run this one only");
  app.add_option("--seeds", options.seeds, "how many");
  app.add_option("--from", options.from, "the first one");
  auto* failures = app.add_option("--failures", options.failures,
                                  "stop after this many violations (1; --json, --nightly: play all seeds)");
  bool two = false, available = false;
  app.add_flag("--two", two, "only clusters of two gateways without a witness, two_node = safe");
  app.add_flag("--available", available, "the same, two_node = available")->excludes("--two");
  app.add_flag("--verbose", options.verbose, "tell the story");
  app.add_option("--mutation", options.mutation, "break this on purpose; succeeds if a seed shows it")
      ->check(CLI::IsMember(hasync::sim::sabotage_names()));
  app.add_flag("--mutations", mutations,
               "then break each promise in turn: all must be noticed, in 5000 seeds or more");
  app.add_flag("--nightly", nightly,
               "100 000 seeds, 25 000 of --two and of --available each, and the mutations");
  app.add_flag("--json", json, "the mutations as well, and one line of JSON at the end");
  CLI11_PARSE(app, argc, argv);
  options.kind = available ? Kind::TwoAvailable : two ? Kind::TwoSafe : Kind::Any;
  if (seed != 0) options.from = seed;
  if (seed != 0) options.seeds = 1;
  if ((json || nightly) && failures->empty()) options.failures = std::numeric_limits<std::uint64_t>::max();
  if (!options.mutation.empty()) {
    if (!options.verbose) return caught(options, options.mutation) ? 0 : 1;
    return run(options).first ? 0 : 1;
  }
  const Tally tally = nightly ? run_nightly(options) : run(options);
  const auto names = hasync::sim::mutations();
  const bool break_all = mutations || nightly || json;
  const std::size_t noticed = break_all ? caught_of(names, options) : 0;
  print(tally, break_all ? names.size() : 0, noticed, json);
  return tally.violations == 0 && (!break_all || noticed == names.size()) ? 0 : 1;
}
