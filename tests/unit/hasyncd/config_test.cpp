// Every tests/golden/config/NAME.toml gives NAME.ok (the values in effect, then warnings) or NAME.err (all
// errors). HASYNC_GOLDEN_WRITE=1 writes them anew; the difference is then for the author to read.
#include "hasyncd/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "hasyncd/config_keys.h"

namespace hasync::hasyncd {
namespace {

namespace fs = std::filesystem;
const fs::path kSource = HASYNC_SOURCE;
const bool kWrite = std::getenv("HASYNC_GOLDEN_WRITE") != nullptr;

std::string content(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void expect_content(const fs::path& file, const std::string& text) {
  if (kWrite) std::ofstream(file, std::ios::binary) << text;
  EXPECT_EQ(content(file), text) << file;
}

std::string joined(const std::vector<std::string>& lines, const std::string& before) {
  std::string out;
  for (const std::string& line : lines) out += before + line + "\n";
  return out;
}

TEST(Config, EveryGoldenFileGivesWhatIsWrittenBesideIt) {
  int count = 0;
  for (const auto& file : fs::directory_iterator(kSource / "tests/golden/config")) {
    if (file.path().extension() != ".toml" || file.path().filename() == "vped.toml") continue;
    ++count;
    const ConfigOutcome outcome = parse_config(content(file.path()), file.path().filename().string());
    EXPECT_NE(outcome.config.has_value(), !outcome.errors.empty());
    fs::path expected = file.path();
    if (outcome.config) {
      expect_content(expected.replace_extension(".ok"),
                     to_text(*outcome.config) + joined(outcome.warnings, "warning: "));
    } else {
      expect_content(expected.replace_extension(".err"), joined(outcome.errors, ""));
    }
  }
  EXPECT_GE(count, 8);
}

TEST(Config, TheSampleFilesAreValid) {
  int count = 0;
  for (const auto& file : fs::recursive_directory_iterator(kSource / "docs/examples")) {
    if (file.path().extension() != ".toml" || file.path().filename() == "vped.toml") continue;
    ++count;
    const ConfigOutcome outcome = load_config(file.path());
    EXPECT_THAT(outcome.errors, testing::IsEmpty()) << file.path();
    if (file.path().parent_path().filename() == "qnetd") {  // what it costs is said at every start
      EXPECT_THAT(outcome.warnings, testing::ElementsAre(testing::HasSubstr("nothing is taken over")));
    } else {
      EXPECT_THAT(outcome.warnings, testing::IsEmpty()) << file.path();
    }
  }
  EXPECT_EQ(count, 4);
}

// What is offered there as a comment begins with '#' and no space.
std::string with_offers(std::istream& in) {
  std::string out;
  for (std::string line; std::getline(in, line); out += line + "\n")
    if (line.size() > 1 && line[0] == '#' && line[1] != ' ') line.erase(0, 1);
  return out;
}

TEST(Config, WhatTheSampleFilesOfferForIpv6IsValid) {
  for (const char* name : {"qnetd", "three", "witness"}) {
    std::ifstream in(kSource / "docs/examples" / name / "gateway.toml");
    const ConfigOutcome outcome = parse_config(with_offers(in), name);
    ASSERT_THAT(outcome.errors, testing::IsEmpty());
    EXPECT_EQ(
        std::ranges::count_if(outcome.config->vips, [](const auto& vip) { return vip.address.is_v4(); }), 2);
    EXPECT_EQ(outcome.config->vips.size(), 4U) << name;
  }
}

TEST(Config, TheReferenceIsCurrent) {
  expect_content(kSource / "docs/config.md", config_reference());
  expect_content(kSource / "docs/man" / "hasyncd.toml.5", config_manual());
}

TEST(Config, DefaultsObeyTheirOwnRules) {
  for (const KeyDefinition& key : config_keys()) {
    if (key.kind != KeyKind::Integer || key.absent == nullptr) continue;
    EXPECT_GE(std::stoll(key.absent), key.min) << key.name;
    EXPECT_LE(std::stoll(key.absent), key.max) << key.name;
  }
}

TEST(Config, WhereMetricsAreServedIsAnAddressAndAPort) {
  const std::string rest = content(kSource / "tests/golden/config/witness.toml") + "\n[metrics]\nlisten = ";
  for (const std::string good : {"127.0.0.1:9420", "0.0.0.0:1", "[::]:65535", "[2001:db8::1]:9420"}) {
    const ConfigOutcome outcome = parse_config(rest + '"' + good + '"', "x");
    ASSERT_TRUE(outcome.config && outcome.config->metrics) << good;
    EXPECT_EQ(to_string(*outcome.config->metrics), good);
  }
  EXPECT_FALSE(parse_config(rest + "\"\"", "x").config->metrics);
  for (const std::string bad : {"9420", ":9420", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536",
                                "127.0.0.1:94200000000000000000", "127.0.0.1:-1", "127.0.0.1:1x", "::1:9420",
                                "[127.0.0.1]:9420", "[::1]", "[::1:9420", "[]:9420", "localhost:9420"}) {
    EXPECT_THAT(parse_config(rest + '"' + bad + '"', "x").errors,
                testing::ElementsAre(testing::HasSubstr("metrics.listen: \"" + bad + "\" is not allowed")));
  }
}

TEST(Config, AFileThatCannotBeReadIsNamed) {
  EXPECT_THAT(load_config("/nonexistent/x.toml").errors,
              testing::ElementsAre("/nonexistent/x.toml: cannot be read: No such file or directory"));
  EXPECT_THAT(load_config("/tmp").errors, testing::ElementsAre("/tmp: cannot be read: Is a directory"));
}

TEST(Config, NoTruncationOfAGoodFileHangsOrCrashes) {
  const std::string text = content(kSource / "tests/golden/config/witness.toml");
  for (std::size_t length = 0; length < text.size(); ++length) {
    const ConfigOutcome outcome = parse_config(text.substr(0, length), "cut");
    EXPECT_NE(outcome.config.has_value(), !outcome.errors.empty());
  }
}

}  // namespace
}  // namespace hasync::hasyncd
