#include "xfrm/xfrm_sa.h"

#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace {

constexpr std::uint16_t kPerCpu = 35;  // XFRMA_SA_PCPU since Linux 6.13

class XfrmSa : public testing::Test {
 protected:
  XfrmSa() : bytes_(NLMSG_SPACE(sizeof(xfrm_usersa_info))) { head(XFRM_MSG_NEWSA); }

  template <typename Value>
  void add(std::uint16_t type, const Value& value) {
    const nlattr attribute{static_cast<std::uint16_t>(NLA_HDRLEN + sizeof value), type};
    const std::size_t at = bytes_.size();
    bytes_.resize(at + NLA_HDRLEN + NLA_ALIGN(sizeof value));
    std::memcpy(&bytes_[at], &attribute, sizeof attribute);
    std::memcpy(&bytes_[at + NLA_HDRLEN], &value, sizeof value);
    head(XFRM_MSG_NEWSA);
  }
  void head(std::uint16_t type) {
    const nlmsghdr header{static_cast<std::uint32_t>(bytes_.size()), type, 0, 1, 0};
    std::memcpy(bytes_.data(), &header, sizeof header);
  }
  int decode() {
    traits_ = {true, true, true};
    return hasync_xfrm_decode_traits(bytes_.data(), bytes_.size(), &traits_);
  }
  void expect(bool may_wrap, bool packet_offload, bool per_cpu) {
    ASSERT_EQ(decode(), 0);
    EXPECT_EQ(traits_.may_wrap, may_wrap);
    EXPECT_EQ(traits_.packet_offload, packet_offload);
    EXPECT_EQ(traits_.per_cpu, per_cpu);
  }

  std::vector<std::uint8_t> bytes_;
  hasync_xfrm_traits_t traits_{};
};

TEST_F(XfrmSa, NothingIsSpecialAboutMost) {
  add(XFRMA_IF_ID, std::uint32_t{7});
  add(XFRMA_SA_EXTRA_FLAGS, std::uint32_t{XFRM_SA_XFLAG_DONT_ENCAP_DSCP});
  add(XFRMA_OFFLOAD_DEV, xfrm_user_offload{3, 0});  // the device encrypts, the kernel numbers
  expect(false, false, false);
}

TEST_F(XfrmSa, NumbersThatMayWrap) {
  add(XFRMA_SA_EXTRA_FLAGS, std::uint32_t{XFRM_SA_XFLAG_OSEQ_MAY_WRAP | XFRM_SA_XFLAG_DONT_ENCAP_DSCP});
  expect(true, false, false);
}

TEST_F(XfrmSa, PacketsOfADevice) {
  add(XFRMA_OFFLOAD_DEV, xfrm_user_offload{3, XFRM_OFFLOAD_PACKET});
  expect(false, true, false);
}

TEST_F(XfrmSa, OneForOneProcessor) {
  add(kPerCpu, std::uint32_t{0});
  expect(false, false, true);
}

TEST_F(XfrmSa, WhatIsCutShortIsRefused) {
  add(XFRMA_OFFLOAD_DEV, xfrm_user_offload{3, XFRM_OFFLOAD_PACKET});
  const auto whole = bytes_;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(hasync_xfrm_decode_traits(whole.data(), size, &traits_), -EBADMSG) << size;
  }
  bytes_.resize(bytes_.size() - 2);
  head(XFRM_MSG_NEWSA);
  EXPECT_EQ(decode(), -EBADMSG) << "an attribute that ends beyond the message";
  bytes_ = whole;
  head(XFRM_MSG_NEWAE);
  EXPECT_EQ(decode(), -EBADMSG) << "another message";
}

TEST_F(XfrmSa, AnAttributeThatIsTooSmallIsRefused) {
  add(XFRMA_SA_EXTRA_FLAGS, std::uint16_t{2});
  EXPECT_EQ(decode(), -EBADMSG);
}

}  // namespace
