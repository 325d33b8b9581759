// Inner packets, keys, and engines used one packet at a time: for tests of vpe/.
#pragma once

#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "vpe/esp.h"
#include "vpe/gcm.h"
#include "vpe/receiver.h"
#include "vpe/sender.h"

namespace hasync::vpe::test {

// Of so many bytes in all; their content follows from `fill`.
Bytes ipv4(std::size_t size, std::uint8_t fill = 0);
Bytes ipv6(std::size_t size, std::uint8_t fill = 0);

Bytes key(std::size_t size, std::uint8_t first = 0x40);
// By that library, which must be there.
std::unique_ptr<Gcm> gcm(std::string_view library, BytesView key);

std::unique_ptr<Sender> sender(std::unique_ptr<Gcm> gcm, const Sender::Options& options);
std::unique_ptr<Receiver> receiver(std::unique_ptr<Gcm> gcm, const Receiver::Options& options);

struct Opened {
  Drop drop = Drop::None;
  Bytes inner;
  std::uint8_t traffic_class = 0;
};

struct Sealed {
  Drop drop = Drop::None;
  Bytes wire;
};

Sealed try_seal(Sender& sender, BytesView inner, std::uint8_t traffic_class = 0);
Bytes seal(Sender& sender, BytesView inner, std::uint8_t traffic_class = 0);  // it must do it
Opened open(Receiver& receiver, Bytes wire);

Sealed try_seal(EspSender& sender, BytesView inner);
Bytes seal(EspSender& sender, BytesView inner);
Opened open(EspReceiver& receiver, Bytes wire);

}  // namespace hasync::vpe::test
