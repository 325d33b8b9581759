#include "hasyncd/inquiry.h"

#include <gtest/gtest.h>

#include "hasyncd/clock_steps.h"

namespace hasync::hasyncd {
namespace {

using namespace std::chrono_literals;

const Process kSelf{NodeId{1}, Incarnation{7}};

About about(Process asker, std::uint64_t asked, Duration clock = {}) {
  return {asker, asked, "0.1.0", static_cast<std::uint64_t>(clock.count()), {}};
}

TEST(Inquiry, IsCompleteWhenAllWhoWereAskedHaveAnsweredThisQuestion) {
  Inquiry inquiry(kSelf, 5, {NodeId{1}, NodeId{2}}, 1000s, 10s);
  inquiry.heard(NodeId{2}, about(kSelf, 4), 11s);                        // an earlier one
  inquiry.heard(NodeId{2}, about({NodeId{1}, Incarnation{6}}, 5), 11s);  // of an earlier run
  inquiry.heard(NodeId{3}, about(kSelf, 5), 11s);                        // was not asked
  EXPECT_TRUE(inquiry.answers().empty());
  inquiry.heard(NodeId{1}, about(kSelf, 5), 11s);
  EXPECT_FALSE(inquiry.complete());
  inquiry.heard(NodeId{2}, about(kSelf, 5), 11s);
  inquiry.heard(NodeId{2}, about(kSelf, 5), 11s);
  EXPECT_TRUE(inquiry.complete());
  EXPECT_EQ(inquiry.answers().size(), 2U);
}

TEST(Inquiry, TellsClocksApartByNoMoreThanTheAnswersTook) {
  Inquiry inquiry(kSelf, 5, {NodeId{2}}, 1000s, 10s);
  inquiry.heard(NodeId{2}, about(kSelf, 5, 1003s), 10s + 400ms);
  const Answer& answer = inquiry.answers().at(NodeId{2});
  EXPECT_EQ(answer.clock_ahead, 3s - 200ms);
  EXPECT_EQ(answer.uncertain, 200ms);
}

TEST(ClockSteps, AreCountedAndSlewingIsNone) {
  ClockSteps steps;
  EXPECT_EQ(steps.found(1000s, 10s), 0s);
  EXPECT_EQ(steps.found(1001s + 500us, 11s), 0s);
  EXPECT_EQ(steps.found(1002s + 900ms, 12s), 0s);  // below a second
  EXPECT_EQ(steps.count(), 0U);
  EXPECT_EQ(steps.found(1103s + 900ms, 13s), 100s);
  EXPECT_EQ(steps.found(1104s + 900ms, 14s), 0s);
  EXPECT_EQ(steps.found(5s, 15s), 5s - (1105s + 900ms));
  EXPECT_EQ(steps.count(), 2U);
}

}  // namespace
}  // namespace hasync::hasyncd
