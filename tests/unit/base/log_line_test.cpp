#include "base/log_line.h"

#include <gtest/gtest.h>

namespace hasync {
namespace {

std::string line_of(std::initializer_list<LogField> fields) {
  return log_line("role-changed", fields);
}

TEST(LogLine, QuotesWhatIsNotPlain) {
  EXPECT_EQ(line_of({}), "event=role-changed");
  EXPECT_EQ(line_of({{"from", "standby"}, {"ms", "12"}}), "event=role-changed from=standby ms=12");
  EXPECT_EQ(line_of({{"why", "two words"}, {"none", ""}}), "event=role-changed why=\"two words\" none=\"\"");
}

TEST(LogLine, CannotBeForgedByAValue) {
  EXPECT_EQ(line_of({{"peer", "x\nevent=owner"}}), "event=role-changed peer=\"x\\x0aevent=owner\"");
  EXPECT_EQ(line_of({{"peer", "a\"b\\"}}), "event=role-changed peer=\"a\\\"b\\\\\"");
}

}  // namespace
}  // namespace hasync
