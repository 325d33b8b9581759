#include "hasyncd/adapters/packer.h"

#include <utility>

#include "hasyncd/wire/packing.h"

namespace hasync::hasyncd {

void Packer::add(BytesView message, Haste haste) {
  const std::uint64_t cleared = cleared_;
  if (!waiting_.empty() && waiting_.size() + message.size() > kMaxPack) flush();
  if (cleared_ != cleared) return;  // the ring that it was for is left
  pack(waiting_, message);
  if (!pausing_ || haste == Haste::AtOnce) flush();
}

void Packer::clear() {
  ++cleared_;
  waiting_.clear();
}

// What `send` does may end in clear().
void Packer::flush() {
  pausing_ = true;
  timer_.expires_after(kTogether);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    pausing_ = false;
    if (!waiting_.empty()) flush();
  });
  send_(std::exchange(waiting_, {}));
}

}  // namespace hasync::hasyncd
