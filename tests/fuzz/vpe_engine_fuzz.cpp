// Both engines under a stream of packets. The input is a script: each step takes an authentic packet (or
// noise), alters, cuts, repeats or holds it back, and it arrives. An authentic packet passes once at most,
// nothing else passes, and windows come of authentic packets only.
#include <algorithm>
#include <cstdlib>
#include <set>

#include "tests/support/vpe_packets.h"

using namespace hasync;
using namespace hasync::vpe;

namespace {

constexpr EspSpi kSpi{0xf0220001};

void must(bool holds) {
  if (!holds) std::abort();
}

class Script {
 public:
  Script(const std::uint8_t* data, std::size_t size) : left_(data, size) {}
  bool done() const { return left_.empty(); }
  std::uint8_t byte() {
    if (left_.empty()) return 0;
    const std::uint8_t out = left_[0];
    left_ = left_.subspan(1);
    return out;
  }
  std::size_t number() {
    const std::size_t high = byte();
    return high << 8 | byte();
  }
  Bytes noise(std::size_t most) {
    const std::size_t size = std::min(most, left_.size());
    Bytes out(left_.begin(), left_.begin() + static_cast<std::ptrdiff_t>(size));
    left_ = left_.subspan(size);
    return out;
  }

 private:
  BytesView left_;
};

// The wire as the script has it. `authentic`: bytes as a sender made them.
struct Step {
  Bytes wire;
  bool authentic = false;
};

template <typename Seal>
Step next(Script& script, std::vector<Bytes>& sent, Seal seal) {
  const std::uint8_t what = script.byte();
  if (what % 8 == 7) return {script.noise(100), false};
  if (what % 8 < 4 || sent.empty()) sent.push_back(seal(what / 8));
  Step step{what % 8 == 0 ? sent.back() : sent[script.number() % sent.size()], true};
  if (what % 8 == 5) {
    step.wire[script.number() % step.wire.size()] ^= static_cast<std::uint8_t>(script.byte() | 1);
    step.authentic = false;
  } else if (what % 8 == 6) {
    step.wire.resize(script.number() % (step.wire.size() + 40));
    step.authentic = std::ranges::find(sent, step.wire) != sent.end();
  }
  return step;
}

template <typename Receiver>
void judge(Receiver& receiver, const Step& step, std::set<Bytes>& passed) {
  const auto opened = test::open(receiver, step.wire);
  if (opened.drop != Drop::None) return;
  must(step.authentic);
  must(passed.insert(step.wire).second);
}

void play_vpe(Script& script) {
  const std::uint8_t first = script.byte();
  const auto receiver =
      test::receiver(test::gcm("openssl", test::key(16)),
                     {.spi = kSpi, .sender = std::nullopt, .window_bits = 64, .most_windows = 3});
  std::array<std::unique_ptr<Sender>, 3> senders;
  for (std::uint8_t i = 0; i < senders.size(); ++i)
    senders[i] = test::sender(
        test::gcm("openssl", test::key(16)),
        {.spi = kSpi, .sender = SenderId{i}, .first_number = first % 2 != 0 ? kLastNumber - 40 : 1});
  std::vector<Bytes> sent;
  std::set<Bytes> passed;
  while (!script.done()) {
    const Step step = next(script, sent, [&](std::uint8_t which) {
      const auto sealed = test::try_seal(*senders[which % 3], test::ipv4(20 + which), which / 3);
      return sealed.drop == Drop::None ? sealed.wire : Bytes(60);
    });
    judge(*receiver, step, passed);
    must(receiver->windows().size() <= 3);
  }
  must(receiver->windows().empty() == passed.empty());
}

void play_esp(Script& script) {
  const auto numbers = std::make_shared<EspNumbers>();
  numbers->last = script.byte() % 2 != 0 ? 0xffffffe0U : 0U;
  const auto window = std::make_shared<EspWindow>(64);
  if (numbers->last != 0) window->window.take(numbers->last);
  EspSender sender(test::gcm("openssl", test::key(16)), {kSpi}, numbers);
  EspReceiver receiver(test::gcm("openssl", test::key(16)), {kSpi}, window);
  std::vector<Bytes> sent;
  std::set<Bytes> passed;
  while (!script.done())
    judge(receiver,
          next(script, sent, [&](std::uint8_t size) { return test::seal(sender, test::ipv4(20U + size)); }),
          passed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Script script(data, std::min<std::size_t>(size, 2000));
  if (script.byte() % 2 == 0) {
    play_vpe(script);
  } else {
    play_esp(script);
  }
  return 0;
}
