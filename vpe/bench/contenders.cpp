#include "vpe/bench/contenders.h"

#include <intel-ipsec-mb.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "vpe/adapters/gcm_providers.h"
#include "vpe/receiver.h"
#include "vpe/sender.h"

namespace hasync::vpe::bench {

namespace {

constexpr EspSpi kSpi{0xbe7c4001};
constexpr std::array<std::uint8_t, 16> kKey{1, 2, 3};

template <typename T>
T must(Result<T> result) {
  if (result) return std::move(result).value();
  std::fprintf(stderr, "bench_vpe: %s\n", result.error().what.c_str());
  std::exit(1);
}

std::unique_ptr<Gcm> gcm() {
  return must(must(make_gcm_provider("ipsec-mb"))->make(kKey));
}

// IPv4 packets of one size, each with a header before it and room behind.
class Frames {
 public:
  explicit Frames(std::size_t size) : stride_((size + 64 + 127) / 64 * 64), bytes_(kPackets * stride_ + 64) {
    for (std::size_t i = 0; i < kPackets; ++i) {
      std::uint8_t* const payload = at(i, 32);
      payload[0] = 0x45;
      payload[2] = static_cast<std::uint8_t>(size >> 8);
      payload[3] = static_cast<std::uint8_t>(size);
    }
  }
  // The payload follows 32 bytes, aligned to 32, as in a buffer with headroom.
  std::uint8_t* at(std::size_t i, std::size_t offset) {
    const auto start = reinterpret_cast<std::uintptr_t>(bytes_.data());
    return bytes_.data() + (64 - start % 64) % 64 + i * stride_ + offset;
  }

 private:
  std::size_t stride_;
  std::vector<std::uint8_t> bytes_;
};

class Copying : public Contender {
 public:
  explicit Copying(std::size_t size) : size_(size), here_(size), there_(size) {}
  void seal() override {
    for (std::size_t i = 0; i < kPackets; ++i) std::memcpy(there_.at(i, 32), here_.at(i, 32), size_);
  }
  void open() override {
    for (std::size_t i = 0; i < kPackets; ++i) std::memcpy(here_.at(i, 32), there_.at(i, 32), size_);
  }

 private:
  std::size_t size_;
  Frames here_, there_;
};

class Raw : public Contender {
 public:
  explicit Raw(std::size_t size) : size_(size), frames_(size), manager_(alloc_mb_mgr(0), &free_mb_mgr) {
    init_mb_mgr_auto(manager_.get(), nullptr);
    IMB_AES128_GCM_PRE(manager_.get(), kKey.data(), &key_);
  }
  void seal() override {
    for (std::size_t i = 0; i < kPackets; ++i) {
      std::uint8_t* const header = frames_.at(i, 0);
      IMB_AES128_GCM_ENC(manager_.get(), &key_, &context_, header + 32, header + 32, size_, header + 4,
                         nullptr, 0, header + 16, 16);
    }
  }
  void open() override {
    for (std::size_t i = 0; i < kPackets; ++i) {
      std::uint8_t* const header = frames_.at(i, 0);
      std::array<std::uint8_t, 16> icv;
      IMB_AES128_GCM_DEC(manager_.get(), &key_, &context_, header + 32, header + 32, size_, header + 4,
                         nullptr, 0, icv.data(), 16);
    }
  }

 private:
  std::size_t size_;
  Frames frames_;
  std::unique_ptr<IMB_MGR, decltype(&free_mb_mgr)> manager_;
  gcm_key_data key_;
  gcm_context_data context_;
};

template <typename Sealing, typename Opening>
class Engine : public Contender {
 public:
  Engine(std::size_t size, std::size_t header, std::unique_ptr<Sealing> sealing,
         std::unique_ptr<Opening> opening)
      : size_(size),
        header_(header),
        frames_(size),
        sealing_(std::move(sealing)),
        opening_(std::move(opening)) {
    for (std::size_t i = 0; i < kPackets; ++i) {
      std::uint8_t* const payload = frames_.at(i, 32);
      pieces_[i] = {payload, payload, size};
      packets_[i].header = payload - header;
      packets_[i].pieces = {&pieces_[i], 1};
    }
  }
  void seal() override {
    for (std::size_t i = 0; i < kPackets; ++i) pieces_[i].size = size_;
    for (std::size_t at = 0; at < kPackets; at += kBatch) sealing_->seal(some(at));
  }
  void open() override {
    for (std::size_t i = 0; i < kPackets; ++i) pieces_[i].size = packets_[i].size - header_;
    std::size_t passed = 0;
    for (std::size_t at = 0; at < kPackets; at += kBatch) passed += opening_->open(some(at));
    if (passed != kPackets) mend(passed);
  }
  std::size_t lost() const override { return lost_; }

 private:
  std::span<Packet> some(std::size_t at) { return std::span(packets_).subspan(at, kBatch); }
  // What was refused before decryption is no IP packet, and would not be sealed.
  void mend(std::size_t passed) {
    lost_ += kPackets - passed;
    for (std::size_t i = 0; i < kPackets; ++i) {
      std::uint8_t* const payload = frames_.at(i, 32);
      payload[0] = 0x45;
      payload[2] = static_cast<std::uint8_t>(size_ >> 8);
      payload[3] = static_cast<std::uint8_t>(size_);
    }
  }

  std::size_t size_, header_;
  Frames frames_;
  std::unique_ptr<Sealing> sealing_;
  std::unique_ptr<Opening> opening_;
  std::array<Piece, kPackets> pieces_{};
  std::array<Packet, kPackets> packets_{};
  std::size_t lost_ = 0;
};

}  // namespace

Made copying(std::size_t size) {
  return std::make_unique<Copying>(size);
}

Made raw(std::size_t size) {
  return std::make_unique<Raw>(size);
}

Made vpe_engine(std::size_t size, std::uint8_t core) {
  return std::make_unique<Engine<Sender, Receiver>>(
      size, kHeaderSize, must(Sender::create(gcm(), {.spi = kSpi, .place = {.core = core}})),
      must(Receiver::create(gcm(), {.spi = kSpi})));
}

Made simple_esp(std::size_t size) {
  return parallel_esp(size, nullptr, nullptr);
}

Made parallel_esp(std::size_t size, std::shared_ptr<EspNumbers> numbers, std::shared_ptr<EspWindow> window) {
  return std::make_unique<Engine<EspSender, EspReceiver>>(
      size, kEspHeaderSize, std::make_unique<EspSender>(gcm(), EspSender::Options{kSpi}, std::move(numbers)),
      std::make_unique<EspReceiver>(gcm(), EspReceiver::Options{kSpi}, std::move(window)));
}

}  // namespace hasync::vpe::bench
