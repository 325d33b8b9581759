#include "hasyncd/node/output_commit.h"

#include <gtest/gtest.h>

#include "hasyncd/log/replica.h"

namespace hasync::hasyncd {
namespace {

TEST(OutputCommit, LetsOutWhatIsInTheLogOnceThatIsStable) {
  OutputCommit output;
  output.reported(2);
  EXPECT_EQ(output.settle(1, 7, 6), std::nullopt);
  EXPECT_EQ(output.settle(2, 8, 7), CommitOutput{1});
  EXPECT_EQ(output.settle(2, 9, 7), std::nullopt);  // it waits for 8 still
  EXPECT_EQ(output.settle(2, 9, 8), CommitOutput{2});
}

TEST(OutputCommit, WhatWaitsAtTheEndOfAnEpochIsInTheBeginningOfTheNext) {
  OutputCommit output;
  output.reported(1);
  EXPECT_EQ(output.settle(1, 70, 6), std::nullopt);
  output.begin_epoch();
  EXPECT_EQ(output.settle(1, kBeginning, kBeginning), CommitOutput{1});
}

TEST(OutputCommit, WhatWillNotGetInIsDiscarded) {
  OutputCommit output;
  output.reported(2);
  output.settle(1, 7, 7);
  EXPECT_EQ(output.discard(), (DiscardOutput{1, 2}));
  output.charon_lost();
  EXPECT_EQ(output.discard(), std::nullopt);
}

}  // namespace
}  // namespace hasync::hasyncd
