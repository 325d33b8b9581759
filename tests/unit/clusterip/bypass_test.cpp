#include "clusterip/bypass.h"

#include <gtest/gtest.h>

namespace hasync::clusterip {
namespace {

std::string refusal(const std::vector<LinkFacts>& links) {
  const Status status = check_links(links);
  if (status) return {};
  EXPECT_EQ(status.error().code, Errc::Unsupported);
  return status.error().what;
}

TEST(CheckLinks, ThoseThatSendSideBySideAreSound) {
  EXPECT_EQ(refusal({}), "");
  EXPECT_EQ(refusal({{"lan0", 2}, {"wan0", 3}}), "");
}

TEST(CheckLinks, APortOfWhatIsNotListedIsSound) {
  EXPECT_EQ(refusal({{"lan0", 2, 9}, {"wan0", 3, 9}, {"wan0.5", 4, 0, 8}}), "");
}

TEST(CheckLinks, EspOffloadIsRefused) {
  EXPECT_EQ(
      refusal({{"lan0", 2}, {"wan0", 3, 0, 0, true}}),
      "interface wan0: ESP offload is on, so packets would not pass the gate; turn it off: ethtool -K wan0 "
      "esp-hw-offload off");
}

TEST(CheckLinks, ABridgeAndItsPortAreRefusedInWhateverOrder) {
  const std::string why = "interface lan0: is a port of br0, which is listed, too; list one of them";
  EXPECT_EQ(refusal({{"lan0", 2, 5}, {"br0", 5}}), why);
  EXPECT_EQ(refusal({{"br0", 5}, {"wan0", 3}, {"lan0", 2, 5}}), why);
}

TEST(CheckLinks, AVlanAndWhatItSendsOnAreRefused) {
  EXPECT_EQ(refusal({{"wan0", 3}, {"wan0.5", 4, 0, 3}}),
            "interface wan0.5: sends on wan0, which is listed, too; list one of them");
}

TEST(BypassOf, NamesWhatIsWrong) {
  EXPECT_EQ(bypass_of({}), "");
  EXPECT_EQ(bypass_of({.may_wrap = true}), "its numbers may begin again (oseq-may-wrap)");
  EXPECT_EQ(bypass_of({.packet_offload = true}), "a device makes its packets (packet offload)");
  EXPECT_EQ(bypass_of({.per_cpu = true}), "it is one of several, each for one processor");
}

}  // namespace
}  // namespace hasync::clusterip
