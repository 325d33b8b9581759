#include "vpe/window_table.h"

#include <algorithm>

namespace hasync::vpe {

WindowTable::WindowTable(std::uint32_t window_bits, std::uint32_t most)
    : window_bits_(window_bits), most_(most), index_(8) {}

std::size_t WindowTable::home(std::uint32_t key) const {
  constexpr std::uint32_t golden = 0x9e3779b1;  // Knuth's multiplicative hash
  return ((key * golden) >> 8) & (index_.size() - 1);
}

ReplayWindow* WindowTable::look_up(WindowName name) {
  for (std::size_t at = home(name.key()); index_[at] != nullptr; at = (at + 1) & (index_.size() - 1)) {
    if (index_[at]->name != name) continue;
    last_ = index_[at];
    return &last_->window;
  }
  return nullptr;
}

ReplayWindow* WindowTable::make(WindowName name) {
  if (entries_.size() >= most_) return nullptr;
  entries_.push_back(std::make_unique<Entry>(Entry{name, ReplayWindow(window_bits_)}));
  if (entries_.size() * 2 > index_.size()) {
    index_anew(index_.size() * 2);
  } else {
    index(*entries_.back());
  }
  return &entries_.back()->window;
}

void WindowTable::index(Entry& entry) {
  std::size_t at = home(entry.name.key());
  while (index_[at] != nullptr) at = (at + 1) & (index_.size() - 1);
  index_[at] = &entry;
}

void WindowTable::index_anew(std::size_t slots) {
  index_.assign(slots, nullptr);
  for (const auto& entry : entries_) index(*entry);
  last_ = nullptr;
}

void WindowTable::retire_below(SenderId sender, std::uint8_t node, std::uint8_t incarnation) {
  if (node >= kNodes) return;
  std::uint8_t& oldest = oldest_[sender][node];
  oldest = std::max(oldest, incarnation);
  std::erase_if(entries_, [this](const auto& entry) { return is_retired(entry->name); });
  index_anew(index_.size());
}

bool WindowTable::is_retired(WindowName name) const {
  const auto found = oldest_.find(name.sender);
  const Place place = place_of(name.window);
  return found != oldest_.end() && place.incarnation < found->second[place.node];
}

std::vector<WindowState> WindowTable::states() const {
  std::vector<WindowState> out;
  for (const auto& entry : entries_) out.push_back({entry->name, entry->window.top()});
  return out;
}

}  // namespace hasync::vpe
