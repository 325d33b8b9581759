#include "haipsec/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "haipsec/display.h"

namespace hasync::haipsec {
namespace {

TEST(Display, CountsColumnsNotBytes) {
  EXPECT_EQ(columns("office"), 6U);
  EXPECT_EQ(columns("büro"), 4U);
  EXPECT_EQ(columns("東京"), 4U);
  EXPECT_EQ(columns("cafe\xcc\x81"), 4U);  // e with a combining accent
  EXPECT_EQ(columns("\xff\xc3"), 2U);      // no UTF-8
}

TEST(Display, ShortensAtASign) {
  EXPECT_EQ(shortened("office", 6), "office");
  EXPECT_EQ(shortened("office", 5), "offi…");
  EXPECT_EQ(shortened("büro-süd", 5), "büro…");
  EXPECT_EQ(shortened("東京東京", 6), "東京…");
  EXPECT_EQ(shortened("cafe\xcc\x81s", 5), "cafe\xcc\x81s");
}

TEST(Display, NothingSteersTheTerminal) {
  EXPECT_EQ(printable("a\x1b[2J\n\x7f"), "a?[2J??");
  EXPECT_EQ(printable("\xc2\x9b"
                      "2J büro"),
            "?2J büro");  // the one-byte form of ESC [
}

TEST(Table, IsAlignedWhateverTheSigns) {
  EXPECT_EQ(table_text({{"NAME", "X"}, {"東京", "1"}, {"büro", "2"}}, {}),
            "NAME  X\n"
            "東京  1\n"
            "büro  2\n");
}

TEST(Table, FitsByShorteningTheWidestColumn) {
  const Rows rows{{"NAME", "IDENTITY", "N"}, {"branch", "a-very-long-identity.example", "12345"}};
  EXPECT_EQ(table_text(rows, {.width = 30}),
            "NAME    IDENTITY         N\n"
            "branch  a-very-long-id…  12345\n");
  EXPECT_THAT(table_text(rows, {}), testing::HasSubstr("a-very-long-identity.example"));
  // Too narrow for anything: legible all the same.
  EXPECT_THAT(table_text(rows, {.width = 3}), testing::HasSubstr("branch  a-very-…  12345"));
}

TEST(Table, FactsAreNeverShortened) {
  EXPECT_EQ(facts_text({{"what", "a long remedy"}}, {.width = 10}), "what  a long remedy\n");
}

TEST(Table, ColoursTakeNoRoomAndOnlyWhereTheyAreWanted) {
  const Rows rows{{{"bad", Colour::Red}, "x"}, {{"good", Colour::Green}, "y"}};
  EXPECT_EQ(table_text(rows, {}), "bad   x\ngood  y\n");
  EXPECT_EQ(table_text(rows, {.colours = true}), "\x1b[31mbad\x1b[0m   x\n\x1b[32mgood\x1b[0m  y\n");
}

}  // namespace
}  // namespace hasync::haipsec
