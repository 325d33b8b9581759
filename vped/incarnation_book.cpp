#include "vped/incarnation_book.h"

#include <sstream>

#include "vpe/window_id.h"

namespace hasync::vped {

Result<IncarnationBook> IncarnationBook::parse(const std::string& text) {
  IncarnationBook out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string key, rest;
    std::uint32_t taken = 0;
    if (!(words >> key >> taken) || words >> rest || taken == 0 || taken > vpe::kIncarnations ||
        !out.taken_.emplace(key, taken).second)
      return invalid("line `" + line + "`");
  }
  return out;
}

std::string IncarnationBook::text() const {
  std::string out;
  for (const auto& [key, taken] : taken_) out += key + " " + std::to_string(taken) + "\n";
  return out;
}

Result<std::uint8_t> IncarnationBook::take(const std::string& key) {
  std::uint32_t& taken = taken_[key];
  if (taken >= vpe::kIncarnations)
    return Error{Errc::Conflict, "all 32 incarnations under this key are spent; make a new key"};
  return static_cast<std::uint8_t>(taken++);
}

}  // namespace hasync::vped
