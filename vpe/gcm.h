// Port: AES-GCM (NIST SP 800-38D) with a 96-bit IV and a 128-bit ICV, as a library does it. What stands
// behind it is chosen when the program runs (adapters/gcm_providers.h). Not written here: no cipher of our
// own.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "vpe/packets.h"

namespace hasync::vpe {

// One key in one worker's hands: no two threads use it at the same time, and it shares nothing that is
// written.
class Gcm {
 public:
  Gcm() = default;
  Gcm(const Gcm&) = delete;
  Gcm& operator=(const Gcm&) = delete;
  virtual ~Gcm() = default;

  // `iv`: 12 bytes, never twice under one key; `icv`: 16 bytes, written.
  virtual void seal(const std::uint8_t* iv, BytesView additional, std::span<const Piece> pieces,
                    std::uint8_t* icv) = 0;
  // False: `icv` (16 bytes, read) is another; what was written to the pieces must not be used. Compared in
  // constant time.
  virtual bool open(const std::uint8_t* iv, BytesView additional, std::span<const Piece> pieces,
                    const std::uint8_t* icv) = 0;
};

// Makes them for one worker.
class GcmProvider {
 public:
  GcmProvider() = default;
  GcmProvider(const GcmProvider&) = delete;
  GcmProvider& operator=(const GcmProvider&) = delete;
  virtual ~GcmProvider() = default;

  virtual const char* name() const = 0;  // "ipsec-mb", "openssl"
  // `key`: 16 or 32 bytes (AES-128, AES-256). Invalid: another length.
  virtual Result<std::unique_ptr<Gcm>> make(BytesView key) = 0;
};

}  // namespace hasync::vpe
