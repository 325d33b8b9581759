// What is logged, for those who follow it over the control socket. Each has a queue with a bound: who reads
// too slowly is told how many it missed, and nobody waits for it. The newest are kept, so that following
// begins with what has just happened. Knows no socket and no clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/log.h"

namespace hasync::hasyncd {

struct Event {
  std::uint64_t number = 0;       // of all since hasyncd began, from 1
  std::chrono::nanoseconds at{};  // since the epoch
  Severity severity{};
  std::string id;  // docs/messages.md
  std::vector<std::pair<std::string, std::string>> fields;
};
using EventPtr = std::shared_ptr<const Event>;

struct Missed {
  std::uint64_t count = 0;  // events, where it stands among them
};

class EventQueue {
 public:
  static constexpr std::size_t kMost = 1024;

  explicit EventQueue(const std::deque<EventPtr>& begin) : waiting_(begin) {}
  // `ready` is called when something has come; it must not take anything out there and then.
  void on_ready(std::function<void()> ready) { ready_ = std::move(ready); }
  // When the queue is full, this and what follows is missed until all that waits has been taken.
  void push(const EventPtr& event);
  std::optional<std::variant<EventPtr, Missed>> next();

 private:
  std::deque<EventPtr> waiting_;
  std::uint64_t missed_ = 0;
  std::function<void()> ready_;
};

// A log that others can follow: events from severity Info on. All goes on to `next`, which has its own level.
class EventFeed : public Log {
 public:
  using WallClock = std::function<std::chrono::nanoseconds()>;
  static constexpr std::size_t kKept = 256;

  EventFeed(Log& next, WallClock clock) : next_(next), clock_(std::move(clock)) {}
  void write(Severity severity, std::string_view id, std::span<const LogField> fields) override;
  const std::deque<EventPtr>& newest() const { return newest_; }
  // What is kept, and then what comes; until the queue is let go.
  std::shared_ptr<EventQueue> follow();

 private:
  Log& next_;
  WallClock clock_;
  std::uint64_t count_ = 0;
  std::deque<EventPtr> newest_;  // oldest first
  std::vector<std::weak_ptr<EventQueue>> followers_;
};

}  // namespace hasync::hasyncd
