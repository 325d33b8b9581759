// The program itself, on files: that its exit status can be relied upon.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "frames.h"

namespace hasync::testbed {
namespace {

using ::testing::HasSubstr;

struct Outcome {
  int status = -1;
  std::string output;
};

Outcome check(const std::string& arguments) {
  const std::string command = std::string(HASYNC_CAPTURE_PROGRAM) + " check " + arguments + " 2>&1";
  std::FILE* pipe = popen(command.c_str(), "r");
  Outcome outcome;
  std::array<char, 4096> chunk{};
  for (std::size_t count = 0; (count = std::fread(chunk.data(), 1, chunk.size(), pipe)) > 0;)
    outcome.output.append(chunk.data(), count);
  outcome.status = WEXITSTATUS(pclose(pipe));
  return outcome;
}

std::vector<Recorded> stream_of(std::uint32_t packets) {
  std::vector<Recorded> frames;
  for (std::uint32_t number = 1; number <= packets; ++number)
    frames.push_back({std::int64_t{1'700'000'000} * 1'000'000'000 + number * std::int64_t{1'000'000},
                      esp_frame({.number = number})});
  return frames;
}

TEST(CaptureProgram, SaysZeroForACleanCapture) {
  const auto outcome = check(write_capture("clean.pcap", stream_of(500)));
  EXPECT_EQ(outcome.status, 0) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("clean"));
}

TEST(CaptureProgram, SaysOneForAPlantedRepeat) {
  auto frames = stream_of(500);
  frames.insert(frames.begin() + 400, {frames[399].at_ns, esp_frame({.number = 123, .iv = 0x77})});
  const auto outcome = check("--json " + write_capture("repeat.pcap", frames));
  EXPECT_EQ(outcome.status, 1);
  const auto json = nlohmann::json::parse(outcome.output);
  EXPECT_EQ(json["duplicate_esp_sequence_numbers"], 1);
  EXPECT_EQ(json["duplicate_nonces"], 0);
  EXPECT_EQ(json["sas"][0]["repeated_number_examples"][0]["value"], 123);
}

TEST(CaptureProgram, FindsARepeatThatIsSpreadOverTwoFiles) {
  const auto first = write_capture("part1.pcap", stream_of(10));
  auto late = stream_of(12);
  late.erase(late.begin(), late.begin() + 9);
  EXPECT_EQ(check(first + " " + write_capture("part2.pcap", late)).status, 1);
}

// Between two recordings the address may have moved unseen.
TEST(CaptureProgram, AsksEachRecordingAnewWhoTheOwnerIs) {
  auto first = stream_of(10);
  first.push_back({first.back().at_ns + 1, arp_frame(kGateway2)});
  const auto late = stream_of(20);
  const std::vector<Recorded> second(late.begin() + 10, late.end());
  EXPECT_EQ(check(write_capture("moved.pcap", first) + " " + write_capture("again.pcap", second)).status, 0);
  first.insert(first.end(), second.begin(), second.end());
  EXPECT_EQ(check(write_capture("whole.pcap", first)).status, 1);
}

TEST(CaptureProgram, SaysOneWhereTheRecordingMissedFrames) {
  const auto file = write_capture("holes.pcap", stream_of(10));
  std::ofstream(file + ".json") << R"({"frames": 10, "dropped": 2})";
  EXPECT_EQ(check(file).status, 1);
  std::ofstream(file + ".json") << R"({"frames": 10, "dropped": 0})";
  EXPECT_EQ(check(file).status, 0);
  std::ofstream(file + ".json") << "{";
  EXPECT_EQ(check(file).status, 2);
  std::remove((file + ".json").c_str());
}

TEST(CaptureProgram, SaysOneForAFileThatEndsWithinAFrame) {
  const auto file = write_capture("torn.pcap", stream_of(10));
  std::ifstream in(file, std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(in)), {});
  std::ofstream(file, std::ios::binary) << whole.substr(0, whole.size() - 20);
  const auto outcome = check(file);
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.output, HasSubstr("ends within a frame"));
}

TEST(CaptureProgram, SaysTwoForWhatItCannotRead) {
  EXPECT_EQ(check("/nowhere/none.pcap").status, 2);
  const std::string garbage = ::testing::TempDir() + "garbage.pcap";
  std::ofstream(garbage) << "this is no capture, but long enough to look at";
  EXPECT_EQ(check(garbage).status, 2);
  EXPECT_EQ(check("--node nonsense " + garbage).status, 2);
  EXPECT_EQ(check("").status, 2);
}

}  // namespace
}  // namespace hasync::testbed
