#include "haipsec/events.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace hasync::haipsec {
namespace {

std::string text_of(const char* event) {
  return event_text(nlohmann::ordered_json::parse(event));
}

TEST(EventText, IsALineOfTheLog) {
  EXPECT_EQ(text_of(R"({"number":7,"time":"2026-01-31T09:00:00.125Z","severity":"warning",
                        "event":"charon-lost","fields":{"text":"two words","n":"1"}})"),
            "2026-01-31T09:00:00.125Z warning event=charon-lost text=\"two words\" n=1\n");
  EXPECT_EQ(text_of(R"({"time":"T","severity":"info","event":"started","fields":{}})"),
            "T info event=started\n");
}

TEST(EventText, ItsSeverityHasAColourOnATerminal) {
  const auto event = nlohmann::ordered_json::parse(R"({"time":"T","severity":"error","event":"x"})");
  EXPECT_EQ(event_text(event, {.colours = true}), "T \x1b[31merror\x1b[0m event=x\n");
}

TEST(EventText, TellsHowManyWereMissed) {
  EXPECT_EQ(text_of(R"({"missed":12})"), "(12 events missed: they came faster than they were read)\n");
}

TEST(EventText, NothingInItSteersTheTerminalOrBreaksTheLine) {
  EXPECT_EQ(text_of(R"({"time":"T","severity":"info","event":"x","fields":{"a":"\u001b[2J\nevent=y"}})"),
            "T info event=x a=\"\\x1b[2J\\x0aevent=y\"\n");
}

TEST(EventText, OfWhatIsNoEventSaysSo) {
  EXPECT_EQ(text_of(R"({"fields":[1]})"), "- - event=-\n");
  EXPECT_EQ(events_text(nlohmann::ordered_json::parse(R"({"events":[7,{"event":"x"}]})")), "- - event=x\n");
  EXPECT_EQ(events_text(nlohmann::ordered_json::parse(R"({"ok":true})")), "");
}

}  // namespace
}  // namespace hasync::haipsec
