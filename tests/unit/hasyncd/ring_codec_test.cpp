#include "hasyncd/wire/ring_codec.h"

#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>

#include "hasyncd/wire/aside_codec.h"
#include "ring.pb.h"
#include "tests/support/ring_random.h"

namespace hasync::hasyncd {
namespace {

namespace wire = proto::ring;

Bytes bytes_of(const google::protobuf::MessageLite& message) {
  const std::string text = message.SerializeAsString();
  return {text.begin(), text.end()};
}

TEST(RingCodec, EveryMessageComesBackAsItWas) {
  RingRandom random(1);
  for (int i = 0; i < 3000; ++i) {
    const RingMessage message = random.message();
    const Result<RingMessage> back = decode_ring_message(encode(message));
    ASSERT_TRUE(back) << back.error().what;
    ASSERT_EQ(*back, message);
  }
}

TEST(RingCodec, EveryHeartbeatComesBackAsItWas) {
  RingRandom random(2);
  for (int i = 0; i < 3000; ++i) {
    const Heartbeat heartbeat = random.heartbeat();
    const Bytes bytes = encode(heartbeat);
    ASSERT_LE(bytes.size(), kMaxHeartbeat);
    const Result<Heartbeat> back = decode_heartbeat(bytes);
    ASSERT_TRUE(back) << back.error().what;
    ASSERT_EQ(*back, heartbeat);
  }
}

TEST(RingCodec, EveryAsideComesBackAsItWasAndIsNoMessageOfTheLog) {
  RingRandom random(4);
  for (int i = 0; i < 3000; ++i) {
    const Aside aside = random.aside();
    const Result<Aside> back = decode_aside(encode(aside));
    ASSERT_TRUE(back) << back.error().what;
    ASSERT_EQ(*back, aside);
    ASSERT_EQ(decode_ring_message(encode(aside)).error().code, Errc::Unsupported);
    ASSERT_EQ(decode_aside(encode(random.message())).error().code, Errc::Unsupported);
  }
}

TEST(RingCodec, AnAsideThatBreaksARuleIsRefusedByTheNameOfTheField) {
  const auto refusal = [](const std::function<void(wire::RingMessage&)>& damage) {
    wire::RingMessage message;
    message.set_major(1);
    message.mutable_about()->mutable_asker()->set_node(1);
    damage(message);
    const Result<Aside> read = decode_aside(bytes_of(message));
    return read ? std::string() : read.error().what;
  };
  EXPECT_EQ(refusal([](wire::RingMessage&) {}), "");
  EXPECT_EQ(refusal([](wire::RingMessage& m) { m.set_major(2); }), "field major: not 1");
  EXPECT_EQ(refusal([](wire::RingMessage& m) { m.mutable_about()->clear_asker(); }),
            "field about.asker.node: is missing or 0");
  const std::string long_name(256, 'a');
  EXPECT_EQ(refusal([&](wire::RingMessage& m) { m.mutable_about()->set_version(long_name); }),
            "field about.version: longer than 255 bytes");
  const auto charon = [](wire::RingMessage& m) { return m.mutable_about()->mutable_charon(); };
  EXPECT_EQ(refusal([&](wire::RingMessage& m) { charon(m)->add_connections()->set_name(long_name); }),
            "field about.charon.connections.name: longer than 255 bytes");
  EXPECT_EQ(refusal([&](wire::RingMessage& m) { charon(m)->add_connections()->add_children(long_name); }),
            "field about.charon.connections.children: longer than 255 bytes");
  EXPECT_EQ(refusal([&](wire::RingMessage& m) { charon(m)->set_spi_min(1); }),
            "field about.charon.spi_min: is above spi_max");
  EXPECT_EQ(refusal([&](wire::RingMessage& m) {
              for (std::size_t i = 0; i <= kMaxConnections; ++i) charon(m)->add_connections();
            }),
            "field about.charon.connections: more than 4096 of them");
}

TEST(RingCodec, DamagedBytesAreRefusedOrGiveAMessageWithinTheRules) {
  RingRandom random(3);
  for (int i = 0; i < 20000; ++i) {
    Bytes bytes = encode(random.message());
    if (random.below(3) == 0) bytes.resize(random.below(bytes.size() + 1));
    for (std::size_t hits = random.below(4); hits > 0 && !bytes.empty(); --hits) {
      bytes[random.below(bytes.size())] ^= static_cast<std::uint8_t>(random.number());
    }
    const Result<RingMessage> read = decode_ring_message(bytes);
    if (!read) {
      ASSERT_FALSE(read.error().what.empty());
      continue;
    }
    ASSERT_EQ(decode_ring_message(encode(*read)).value(), *read);
  }
}

// One broken rule per row; the error names the field.
struct Row {
  const char* field;
  std::function<void(wire::RingMessage&)> breaks;
  Errc code = Errc::Invalid;
};

wire::Delta* good_delta(wire::RingMessage& m) {
  m.mutable_entry()->set_epoch(4);
  wire::Delta* delta = m.mutable_entry()->mutable_delta();
  delta->mutable_sa()->set_initiator_spi(1);
  delta->mutable_sa()->set_responder_spi(2);
  delta->set_peer_address(std::string(4, 'a'));
  return delta;
}

wire::Propose* good_propose(wire::RingMessage& m) {
  m.mutable_propose()->set_epoch(1);
  m.mutable_propose()->add_members(1);
  return m.mutable_propose();
}

const Row kRows[] = {
    {"major", [](auto& m) { good_propose(m), m.set_major(0); }},
    {"major", [](auto& m) { good_propose(m), m.set_major(2); }, Errc::Unsupported},
    {"message", [](auto&) {}, Errc::Unsupported},
    {"propose.epoch", [](auto& m) { good_propose(m)->set_epoch(0); }},
    {"propose.members", [](auto& m) { good_propose(m)->clear_members(); }},
    {"propose.members", [](auto& m) { good_propose(m)->add_members(1); }},
    {"propose.members",
     [](auto& m) {
       for (unsigned i = 2; i < 40; ++i)
         good_propose(m)->set_members(0, 1), m.mutable_propose()->add_members(i);
     }},
    {"propose.excluded", [](auto& m) { good_propose(m)->add_excluded(1); }},
    {"sync.leader.node", [](auto& m) { m.mutable_sync()->set_epoch(3); }},
    {"sync.epoch", [](auto& m) { m.mutable_sync()->mutable_leader()->set_node(3); }},
    {"evict.node", [](auto& m) { m.mutable_evict(); }},
    {"entry.epoch", [](auto& m) { m.mutable_entry()->mutable_move()->set_to(1); }},
    {"entry", [](auto& m) { m.mutable_entry()->set_epoch(1); }, Errc::Unsupported},
    {"entry.move.to", [](auto& m) { m.mutable_entry()->set_epoch(1), m.mutable_entry()->mutable_move(); }},
    {"entry.gone.sa.initiator_spi",
     [](auto& m) { m.mutable_entry()->set_epoch(1), m.mutable_entry()->mutable_gone(); }},
    {"entry.delta.sa.responder_spi", [](auto& m) { good_delta(m)->mutable_sa()->set_responder_spi(0); }},
    {"entry.delta.peer_address", [](auto& m) { good_delta(m)->set_peer_address("abc"); }},
    {"entry.delta.outbound",
     [](auto& m) {
       for (int i = 0; i < 300; ++i) good_delta(m)->add_outbound();
     }},
    {"entry.delta.outbound.spi", [](auto& m) { good_delta(m)->add_outbound()->set_address("abcd"); }},
    {"entry.delta.outbound.address", [](auto& m) { good_delta(m)->add_outbound()->set_spi(7); }},
    {"entry.delta.sealed", [](auto& m) { good_delta(m)->set_sealed(std::string(300000, 'x')); }},
    {"entry.grant.leases",
     [](auto& m) {
       m.mutable_entry()->set_epoch(1);
       for (int i = 0; i < 20000; ++i) m.mutable_entry()->mutable_grant()->add_leases();
     }},
    {"entry.grant.leases.address",
     [](auto& m) {
       m.mutable_entry()->set_epoch(1), m.mutable_entry()->mutable_grant()->add_leases()->set_spi(1);
     }},
    {"entry.grant.leases.left",
     [](auto& m) {
       m.mutable_entry()->set_epoch(1);
       auto* lease = m.mutable_entry()->mutable_grant()->add_leases();
       lease->set_spi(1), lease->set_address("abcd"), lease->set_end(5), lease->set_left(6);
     }},
    {"snapshot.epoch", [](auto& m) { m.mutable_snapshot()->set_parts(1); }},
    {"snapshot.parts", [](auto& m) { m.mutable_snapshot()->set_epoch(1); }},
    {"snapshot.part",
     [](auto& m) {
       m.mutable_snapshot()->set_epoch(1), m.mutable_snapshot()->set_parts(1),
           m.mutable_snapshot()->set_part(1);
     }},
    {"snapshot.sas.delta.sa.initiator_spi",
     [](auto& m) {
       m.mutable_snapshot()->set_epoch(1), m.mutable_snapshot()->set_parts(1),
           m.mutable_snapshot()->add_sas();
     }},
    {"snapshot.ended.spi",
     [](auto& m) {
       m.mutable_snapshot()->set_epoch(1), m.mutable_snapshot()->set_parts(1),
           m.mutable_snapshot()->add_ended()->set_end(9);
     }},
    {"snapshot.ended",
     [](auto& m) {
       m.mutable_snapshot()->set_epoch(1), m.mutable_snapshot()->set_parts(1);
       for (int i = 0; i < 16385; ++i) m.mutable_snapshot()->add_ended()->set_spi(7);
     }},
};

TEST(RingCodec, ABrokenRuleIsRefusedByTheNameOfItsField) {
  for (const Row& row : kRows) {
    wire::RingMessage message;
    message.set_major(1);
    row.breaks(message);
    const Result<RingMessage> read = decode_ring_message(bytes_of(message));
    ASSERT_FALSE(read) << row.field;
    EXPECT_EQ(read.error().code, row.code) << read.error().what;
    EXPECT_EQ(read.error().what.rfind("field " + std::string(row.field) + ": ", 0), 0U) << read.error().what;
  }
}

TEST(RingCodec, UnknownFieldsOfANewerMinorVersionAreSkipped) {
  Bytes bytes = encode(RingMessage{Incarnation{5}, 6, Hello{}});
  bytes.insert(bytes.end(), {0xf8, 0x07, 0x2a});  // field 127, varint 42
  EXPECT_TRUE(decode_ring_message(bytes));
}

// A hasyncd from before marks (decision 0009): what it makes of our messages, and we of its.
class Older {
 public:
  Older() {
    google::protobuf::FileDescriptorProto schema;
    wire::Heartbeat::descriptor()->file()->CopyTo(&schema);
    for (auto& message : *schema.mutable_message_type()) {
      if (message.name() == "Heartbeat") keep_fields(message, 13);
      if (message.name() == "OutboundSa") keep_fields(message, 4);
    }
    file_ = pool_.BuildFile(schema);
  }
  Bytes passes_on(const Bytes& bytes, const char* name) {
    const std::unique_ptr<google::protobuf::Message> message(
        factory_.GetPrototype(file_->FindMessageTypeByName(name))->New());
    EXPECT_TRUE(message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
    message->DiscardUnknownFields();
    return bytes_of(*message);
  }

 private:
  static void keep_fields(google::protobuf::DescriptorProto& message, int last) {
    auto& fields = *message.mutable_field();
    fields.erase(
        std::remove_if(fields.begin(), fields.end(), [last](const auto& f) { return f.number() > last; }),
        fields.end());
  }
  google::protobuf::DescriptorPool pool_;
  google::protobuf::DynamicMessageFactory factory_;
  const google::protobuf::FileDescriptor* file_ = nullptr;
};

TEST(RingCodec, AnOlderDaemonReadsHeartbeatsWithMarksAsIfTheyHadNone) {
  Older older;
  RingRandom random(8);
  for (int i = 0; i < 200; ++i) {
    Heartbeat heartbeat = random.heartbeat();
    const Result<Heartbeat> back = decode_heartbeat(older.passes_on(encode(heartbeat), "Heartbeat"));
    ASSERT_TRUE(back) << back.error().what;
    heartbeat.let_in = heartbeat.counted_ns = heartbeat.peak = heartbeat.windows_held = 0;
    heartbeat.windows.reset();
    heartbeat.refused = 0;
    ASSERT_EQ(*back, heartbeat);
  }
}

TEST(RingCodec, AnOlderDaemonPassesContextsOnWithoutTheirInboundSpis) {
  const Entry entry{Epoch{3}, Delta{SaId{1, 2},
                                    4,
                                    Address::v4(192, 0, 2, 10),
                                    {{{Address::v4(192, 0, 2, 10), EspSpi{7}}, true, 9, EspSpi{8}}},
                                    "sealed"}};
  const Bytes bytes = encode(RingMessage{Incarnation{5}, 6, entry});
  const Result<RingMessage> back = decode_ring_message(Older().passes_on(bytes, "RingMessage"));
  ASSERT_TRUE(back) << back.error().what;
  Entry without = entry;
  std::get<Delta>(without.body).outbound[0].inbound = {};
  EXPECT_EQ(*back, (RingMessage{Incarnation{5}, 6, without}));
}

TEST(RingCodec, OversizedBytesAreRefusedUnread) {
  EXPECT_FALSE(decode_ring_message(Bytes(kMaxRingMessage + 1)));
  EXPECT_FALSE(decode_heartbeat(Bytes(kMaxHeartbeat + 1)));
}

TEST(RingCodec, AHeartbeatNeedsASenderAndFewAcksAndMarks) {
  wire::Heartbeat heartbeat;
  heartbeat.set_major(1);
  EXPECT_EQ(decode_heartbeat(bytes_of(heartbeat)).error().what, "field from.node: is missing or 0");
  heartbeat.mutable_from()->set_node(1);
  heartbeat.add_acks();
  EXPECT_EQ(decode_heartbeat(bytes_of(heartbeat)).error().what, "field acks.of.node: is missing or 0");
  for (int i = 0; i < 16; ++i) heartbeat.add_acks()->mutable_of()->set_node(1);
  EXPECT_EQ(decode_heartbeat(bytes_of(heartbeat)).error().what, "field acks: 17 of them, 16 are allowed");
  heartbeat.clear_acks();
  for (std::uint32_t key = 0; key < 5; ++key) heartbeat.add_keys(key);
  EXPECT_EQ(decode_heartbeat(bytes_of(heartbeat)).error().what, "field keys: 5 of them, 4 are allowed");
  heartbeat.clear_keys();
  heartbeat.set_refused(65'536);
  EXPECT_EQ(decode_heartbeat(bytes_of(heartbeat)).error().what,
            "field refused: 65536 of them, 65535 are allowed");
  heartbeat.clear_refused();
  heartbeat.add_heard();
  EXPECT_EQ(decode_heartbeat(bytes_of(heartbeat)).error().what, "field heard.of.node: is missing or 0");
  for (int i = 0; i < 16; ++i) heartbeat.add_heard()->mutable_of()->set_node(1);
  EXPECT_EQ(decode_heartbeat(bytes_of(heartbeat)).error().what, "field heard: 17 of them, 16 are allowed");
}

// Of the largest cluster, with nodeids as Corosync makes them from addresses and a long log behind it.
class LargestHeartbeat : public testing::Test {
 protected:
  LargestHeartbeat() {
    for (std::size_t i = 1; i < kMaxMembers; ++i) {
      heartbeat_.acks.push_back({process_, ~0ULL});
      heartbeat_.heard.push_back({process_, 1ULL << 34U, ~0ULL, ~0ULL, true, true, ~0ULL});
    }
  }
  void fits() {
    EXPECT_LE(encode(heartbeat_).size(), kMaxHeartbeat);
    EXPECT_TRUE(decode_heartbeat(encode(heartbeat_)));
  }
  Process process_{NodeId{0xc0a80a01}, Incarnation{~0ULL}};
  Heartbeat heartbeat_{process_, 1ULL << 34U, Epoch{1U << 20U}, 1ULL << 34U, ~0ULL, ~0ULL, true, true, {},
                       process_, {},          {1, 2, 3, 4},     0,           0,     0,     0,    {},   ~0U};
};

TEST_F(LargestHeartbeat, OfAnotherThanTheOwnerFits) {
  heartbeat_.heard.front().honours_ns = 0;  // the owner is one of them
  heartbeat_.windows_held = 1ULL << 34U;
  fits();
}

TEST_F(LargestHeartbeat, OfTheOwnerFits) {
  for (Mark& mark : heartbeat_.heard) mark.honours_ns = 0;
  heartbeat_.let_in = ~0ULL;
  heartbeat_.counted_ns = heartbeat_.peak = ~0ULL;
  fits();
}

TEST_F(LargestHeartbeat, WithWindowsFits) {
  heartbeat_.acks.clear();
  heartbeat_.heard.clear();
  heartbeat_.let_in = heartbeat_.counted_ns = heartbeat_.peak = ~0ULL;
  heartbeat_.windows = Windows{~0ULL, 1, 65534, 65535, ~0ULL, ~0ULL, true, {}};
  for (std::uint32_t i = 0; i < kMaxTops; ++i) {
    heartbeat_.windows->tops.push_back({{Address{{0x20, 0x01}}, EspSpi{~i}}, ~0ULL});
  }
  fits();
}

struct WindowsRow {
  const char* field;
  std::function<void(wire::Windows&)> breaks;
};

TEST(RingCodec, AReadingOfWindowsIsRefusedByTheNameOfItsField) {
  const WindowsRow rows[] = {
      {"windows.since", [](auto& w) { w.set_round(0); }},
      {"windows.since", [](auto& w) { w.set_since(2); }},
      {"windows.parts", [](auto& w) { w.set_parts(65537); }},
      {"windows.part", [](auto& w) { w.set_part(1); }},
      {"windows.tops", [](auto& w) { w.add_tops(7); }},
      {"windows.spis", [](auto& w) { w.set_spis(0, 0); }},
      {"windows.address", [](auto& w) { w.set_address("abc"); }},
      {"windows.spis",
       [](auto& w) {
         for (std::uint32_t i = 1; i <= kMaxTops; ++i) w.add_spis(i), w.add_tops(i);
       }},
  };
  for (const WindowsRow& row : rows) {
    wire::Heartbeat heartbeat;
    heartbeat.set_major(1);
    heartbeat.mutable_from()->set_node(1);
    wire::Windows& windows = *heartbeat.mutable_windows();
    windows.set_round(2);
    windows.set_since(1);
    windows.set_parts(1);
    windows.set_address("abcd");
    windows.add_spis(5);
    windows.add_tops(6);
    ASSERT_TRUE(decode_heartbeat(bytes_of(heartbeat)));
    row.breaks(windows);
    const Result<Heartbeat> read = decode_heartbeat(bytes_of(heartbeat));
    ASSERT_FALSE(read) << row.field;
    EXPECT_EQ(read.error().what.rfind("field " + std::string(row.field) + ": ", 0), 0U) << read.error().what;
  }
}

}  // namespace
}  // namespace hasync::hasyncd
