#include "hasyncd/events.h"

#include <gtest/gtest.h>

namespace hasync::hasyncd {
namespace {

struct Lines : Log {
  void write(Severity, std::string_view id, std::span<const LogField>) override { ids.emplace_back(id); }
  std::vector<std::string> ids;
};

class EventsTest : public testing::Test {
 protected:
  Lines lines_;
  std::chrono::nanoseconds clock_{5};
  EventFeed feed_{lines_, [this] { return clock_; }};

  static std::uint64_t number(EventQueue& queue) {
    const auto item = queue.next();
    const auto* event = item ? std::get_if<EventPtr>(&*item) : nullptr;
    return event == nullptr ? 0 : (*event)->number;
  }
  static std::uint64_t missed(EventQueue& queue) {
    const auto item = queue.next();
    const auto* missed = item ? std::get_if<Missed>(&*item) : nullptr;
    return missed == nullptr ? 0 : missed->count;
  }
};

TEST_F(EventsTest, AllGoesToTheLogAndFromInfoOnToThoseWhoFollow) {
  const auto queue = feed_.follow();
  feed_.debug("context-put");
  feed_.warning("charon-lost", {{"text", "why"}});
  EXPECT_EQ(lines_.ids, (std::vector<std::string>{"context-put", "charon-lost"}));
  const auto item = queue->next();
  ASSERT_TRUE(item);
  const Event& event = *std::get<EventPtr>(*item);
  EXPECT_EQ(event.number, 1U);
  EXPECT_EQ(event.at, clock_);
  EXPECT_EQ(event.severity, Severity::Warning);
  EXPECT_EQ(event.id, "charon-lost");
  EXPECT_EQ(event.fields, (std::vector<std::pair<std::string, std::string>>{{"text", "why"}}));
  EXPECT_EQ(queue->next(), std::nullopt);
}

TEST_F(EventsTest, FollowingBeginsWithTheNewestThatWereKept) {
  for (std::size_t i = 0; i < EventFeed::kKept + 3; ++i) feed_.info("x");
  const auto queue = feed_.follow();
  EXPECT_EQ(number(*queue), 4U);
  EXPECT_EQ(feed_.newest().size(), EventFeed::kKept);
}

TEST_F(EventsTest, AFullQueueTellsHowManyItMissedWhereTheyAreMissing) {
  const auto queue = feed_.follow();
  for (std::size_t i = 0; i < EventQueue::kMost + 7; ++i) feed_.info("x");
  EXPECT_EQ(number(*queue), 1U);
  feed_.info("x");  // there is room, but something was missed before it
  for (std::uint64_t next = 2; next <= EventQueue::kMost; ++next) EXPECT_EQ(number(*queue), next);
  EXPECT_EQ(missed(*queue), 8U);
  EXPECT_EQ(queue->next(), std::nullopt);
  feed_.info("x");
  EXPECT_EQ(number(*queue), EventQueue::kMost + 9);
}

TEST_F(EventsTest, AQueueThatIsLetGoIsCalledNoMore) {
  auto queue = feed_.follow();
  int called = 0;
  queue->on_ready([&] { ++called; });
  feed_.info("x");
  queue.reset();
  feed_.info("x");
  EXPECT_EQ(called, 1);
}

}  // namespace
}  // namespace hasync::hasyncd
