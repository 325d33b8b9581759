#include "hasyncd/events.h"

namespace hasync::hasyncd {

void EventQueue::push(const EventPtr& event) {
  if (missed_ > 0 || waiting_.size() >= kMost) {
    ++missed_;
  } else {
    waiting_.push_back(event);
  }
  if (ready_) ready_();
}

std::optional<std::variant<EventPtr, Missed>> EventQueue::next() {
  if (!waiting_.empty()) {
    EventPtr out = std::move(waiting_.front());
    waiting_.pop_front();
    return out;
  }
  if (missed_ > 0) return Missed{std::exchange(missed_, 0)};
  return std::nullopt;
}

void EventFeed::write(Severity severity, std::string_view id, std::span<const LogField> fields) {
  next_.write(severity, id, fields);
  if (severity == Severity::Debug) return;
  Event event{.number = ++count_, .at = clock_(), .severity = severity, .id = std::string(id)};
  for (const LogField& field : fields) event.fields.emplace_back(field.key, field.value);
  const EventPtr shared = std::make_shared<const Event>(std::move(event));
  newest_.push_back(shared);
  if (newest_.size() > kKept) newest_.pop_front();
  std::erase_if(followers_, [](const auto& follower) { return follower.expired(); });
  for (const auto& follower : followers_) {
    if (const auto queue = follower.lock()) queue->push(shared);
  }
}

std::shared_ptr<EventQueue> EventFeed::follow() {
  auto out = std::make_shared<EventQueue>(newest_);
  followers_.push_back(out);
  return out;
}

}  // namespace hasync::hasyncd
