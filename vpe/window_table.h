// The replay windows of one SA on one worker, by (SenderID, WindowID).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "vpe/replay_window.h"
#include "vpe/window_id.h"

namespace hasync::vpe {

struct WindowState {
  WindowName name;
  std::uint64_t top = 0;  // highest number taken
  bool operator==(const WindowState&) const = default;
};

class WindowTable {
 public:
  WindowTable(std::uint32_t window_bits, std::uint32_t most);

  // Null: there is none. Valid until the next make() or retire_below().
  ReplayWindow* find(WindowName name) {
    return last_ != nullptr && last_->name == name ? &last_->window : look_up(name);
  }
  // It is not there yet. Null: there are as many as there may be.
  ReplayWindow* make(WindowName name);
  std::size_t size() const { return entries_.size(); }

  // Of this sender's node, everything older than `incarnation` is dropped, and is_retired() from now on.
  void retire_below(SenderId sender, std::uint8_t node, std::uint8_t incarnation);
  bool is_retired(WindowName name) const;

  std::vector<WindowState> states() const;

 private:
  struct Entry {
    WindowName name;
    ReplayWindow window;
  };
  ReplayWindow* look_up(WindowName name);
  std::size_t home(std::uint32_t key) const;
  void index(Entry& entry);
  void index_anew(std::size_t slots);

  std::uint32_t window_bits_;
  std::uint32_t most_;
  std::vector<std::unique_ptr<Entry>> entries_;
  std::vector<Entry*> index_;  // by hash, open addressing, a power of two, at most half full
  std::map<SenderId, std::array<std::uint8_t, kNodes>> oldest_;  // incarnation that is not retired
  Entry* last_ = nullptr;
};

}  // namespace hasync::vpe
