// Which incarnations this gateway has used under keys that come from files (vpe/incarnations.h has the rule).
// Where keys come from a file and there is no cluster, no log gives incarnations out: this book, on disk,
// does. It is written before the first packet, so a start that did not get that far costs an incarnation and
// no more.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/result.h"

namespace hasync::vped {

class IncarnationBook {
 public:
  // Lines of "KEY COUNT"; KEY is what names a key without giving it away. Invalid: anything else, since to
  // guess would be to use an incarnation twice.
  static Result<IncarnationBook> parse(const std::string& text);
  std::string text() const;

  // The next one under this key. Conflict: all are spent; only a new key helps.
  Result<std::uint8_t> take(const std::string& key);

 private:
  std::map<std::string, std::uint32_t> taken_;
};

}  // namespace hasync::vped
