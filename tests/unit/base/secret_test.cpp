#include "base/secret.h"

#include <gtest/gtest.h>
#include <spdlog/fmt/fmt.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <concepts>
#include <fstream>
#include <ostream>
#include <sstream>
#include <type_traits>

#include "base/adapters/hidden_process.h"
#include "base/bytes.h"
#include "base/log.h"

namespace hasync {
namespace {

template <typename T>
concept Streamed = requires(std::ostream& out, const T& value) {
  out << value;
};
template <typename T>
concept Named = requires(const T& value) {
  to_string(value);
}
|| requires(const T& value) {
  text_of(value);
};

// What could be done to a text by mistake does not compile; the same checks find that a text allows it.
static_assert(Streamed<std::string> && !Streamed<Secret>);
static_assert(fmt::is_formattable<std::string>::value && !fmt::is_formattable<Secret>::value);
static_assert(Named<Bytes> && !Named<Secret>);
static_assert(std::is_constructible_v<LogField, const char*, std::string> &&
              !std::is_constructible_v<LogField, const char*, Secret>);
static_assert(std::convertible_to<Bytes, BytesView> && !std::convertible_to<Secret, BytesView>);
static_assert(!std::convertible_to<Secret, std::string> && !std::convertible_to<Secret, std::string_view>);
static_assert(std::equality_comparable<Bytes> && !std::equality_comparable<Secret>);
static_assert(!std::is_copy_constructible_v<Secret>);
static_assert(!std::is_copy_assignable_v<Secret>);

const std::array<std::uint8_t, 4> kBytes{1, 2, 3, 4};

TEST(Secret, MovesAndLeavesNothingBehind) {
  Secret first{kBytes};
  Secret second = std::move(first);
  EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): that is what is tested
  ASSERT_EQ(second.reveal().size(), 4U);
  EXPECT_EQ(second.reveal()[3], 4);
  second = Secret{};
  EXPECT_TRUE(second.empty());
}

// The flags of the mapping that holds `address`, as /proc/self/smaps has them.
std::string flags_at(const void* address) {
  std::ifstream in("/proc/self/smaps");
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    unsigned long from = 0;
    unsigned long to = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &from, &to) == 2) {
      const auto wanted = reinterpret_cast<unsigned long>(address);
      inside = from <= wanted && wanted < to;
    } else if (inside && line.rfind("VmFlags:", 0) == 0) {
      return line + " ";
    }
  }
  return "not found";
}

TEST(Secret, LiesInPagesThatNoCoreDumpContains) {
  const Secret secret{kBytes};
  const Bytes other(kBytes.begin(), kBytes.end());
  EXPECT_NE(flags_at(secret.reveal().data()).find(" dd "), std::string::npos);
  EXPECT_EQ(flags_at(other.data()).find(" dd "), std::string::npos);
}

TEST(HiddenProcess, HasNoCoreDumps) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    rlimit limit{};
    const bool hidden = hide_process().has_value() && ::prctl(PR_GET_DUMPABLE) == 0 &&
                        ::getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur == 0 && limit.rlim_max == 0;
    ::_exit(hidden ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace hasync
