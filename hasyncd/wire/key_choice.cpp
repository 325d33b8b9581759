#include "hasyncd/wire/key_choice.h"

#include <algorithm>

namespace hasync::hasyncd {

void KeyChoice::heard(NodeId from, std::vector<std::uint32_t> keys, std::uint32_t sealed_with) {
  if (keys.empty()) keys.push_back(sealed_with);  // a version that does not tell has one
  told_[from] = {std::move(keys), sealed_with};
}

std::uint32_t KeyChoice::sealing() const {
  if (told_.empty()) return own_.front();
  const auto all_have = [this](std::uint32_t key) {
    return std::ranges::all_of(told_, [key](const auto& member) {
      return std::ranges::find(member.second.keys, key) != member.second.keys.end();
    });
  };
  const auto newest = std::find_if(own_.rbegin(), own_.rend(), all_have);
  return newest == own_.rend() ? own_.back() : *newest;
}

bool KeyChoice::has_moved_on(NodeId member) const {
  const auto told = told_.find(member);
  return told != told_.end() && told->second.seals_with == own_.back();
}

}  // namespace hasync::hasyncd
