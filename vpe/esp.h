// ESP in tunnel mode with AES-GCM and extended sequence numbers (RFC 4303, RFC 4106), beside VPE on the same
// ciphers and batches: for peers without VPE, and to compare. Payload in one buffer, with kEspRoom bytes of
// room behind it to seal.
//
//    0       4          8                16
//    | SPI   | low 32   | IV (number) 64 | ciphertext, padding, its length, next header | ICV 128
//
// Additional data: SPI, all 64 bits of the number (RFC 4106, section 5). Nonce: salt, IV.
//
// Two forms. Simple: one worker has the SA, number and window are its own. Parallel: several workers share
// one number (an atomic, advanced by whole batches) and one window (behind a lock, taken twice for each
// batch).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>

#include "base/ids.h"
#include "base/result.h"
#include "vpe/gcm.h"
#include "vpe/packets.h"
#include "vpe/replay_window.h"

namespace hasync::vpe {

inline constexpr std::size_t kEspHeaderSize = 16;  // with the IV
inline constexpr std::size_t kEspIcvSize = 16;
inline constexpr std::size_t kEspRoom = 3 + 2 + kEspIcvSize;  // padding to a multiple of 4, trailer, ICV
inline constexpr std::size_t kEspSmallestPayload =
    20 + 4 + kEspIcvSize;  // an IPv4 header's; of a sealed packet
// No number above this one is sent. Far enough from the end that workers which add at once cannot pass it.
inline constexpr std::uint64_t kEspLastNumber = ~std::uint64_t{0} - (std::uint64_t{1} << 32);

using Salt = std::array<std::uint8_t, 4>;  // the last four bytes of KEYMAT (RFC 4106, section 8.1)

// What the workers of one outbound SA share, or one has for itself.
struct EspNumbers {
  alignas(64) std::atomic<std::uint64_t> last{0};
};

// What a packet's cipher is bound to.
struct EspBound {
  std::array<std::uint8_t, 12> nonce{};       // RFC 4106, section 4: salt, IV
  std::array<std::uint8_t, 12> additional{};  // section 5: SPI, number's high half, low half
};
using EspBounds = std::array<EspBound, 64>;  // of a part of a batch

class EspSender {
 public:
  struct Options {
    EspSpi spi;
    Salt salt{};
  };
  // Several workers with the same `numbers` are the parallel form; null: simple.
  EspSender(std::unique_ptr<Gcm> gcm, const Options& options, std::shared_ptr<EspNumbers> numbers = nullptr);

  std::size_t seal(std::span<Packet> batch);
  const Counters& counters() const { return counters_; }

 private:
  std::uint64_t take_numbers(std::size_t count);                        // the first of them
  Drop prepare(Packet& packet, EspBound& bound, std::uint64_t number);  // all but the cipher
  void encrypt(const Packet& packet, const EspBound& bound);

  std::unique_ptr<Gcm> gcm_;
  Options options_;
  std::shared_ptr<EspNumbers> shared_;
  std::uint64_t last_ = 0;
  EspBounds bounds_;
  alignas(64) Counters counters_;
};

struct EspWindow {
  explicit EspWindow(std::uint32_t bits) : window(bits) {}
  alignas(64) std::mutex mutex;
  ReplayWindow window;
};

class EspReceiver {
 public:
  struct Options {
    EspSpi spi;
    Salt salt{};
    std::uint32_t window_bits = 1024;  // of a window of its own; a power of two, 64 to 65536
  };
  // Several workers with the same `window` are the parallel form; null: simple.
  EspReceiver(std::unique_ptr<Gcm> gcm, const Options& options, std::shared_ptr<EspWindow> window = nullptr);

  std::size_t open(std::span<Packet> batch);
  const Counters& counters() const { return counters_; }

 private:
  void open_some(std::span<Packet> some);
  void look_up(std::span<Packet> some);
  void take(std::span<Packet> some);

  std::unique_ptr<Gcm> gcm_;
  Options options_;
  bool parallel_;
  std::shared_ptr<EspWindow> window_;
  EspBounds bounds_;
  std::array<std::uint64_t, std::tuple_size_v<EspBounds>> numbers_{};
  alignas(64) Counters counters_;
};

// As lay_out() for VPE (receiver.h).
Drop lay_out_esp(std::span<std::uint8_t> wire, Packet& packet, Piece& piece, std::uint8_t* to = nullptr);

// The number whose low 32 bits these are, given the window's top (RFC 4303, appendix A2.2).
std::uint64_t infer_number(std::uint32_t low, std::uint64_t top, std::uint32_t window_bits);

}  // namespace hasync::vpe
