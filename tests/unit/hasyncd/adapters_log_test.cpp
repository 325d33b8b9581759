#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>

#include "hasyncd/adapters/service_notifier.h"
#include "hasyncd/adapters/stderr_log.h"

namespace hasync::hasyncd {
namespace {

using namespace std::chrono_literals;

TEST(StderrLog, WritesThePriorityForTheJournalAndHonoursTheLevel) {
  testing::internal::CaptureStderr();
  {
    StderrLog log(Severity::Info, true);
    log.debug("quiet");
    log.warning("fence-closed", {{"margin", "0"}});
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "<4>event=fence-closed margin=0\n");
}

TEST(StderrLog, KnowsTheLevelsOfTheConfiguration) {
  EXPECT_EQ(severity_of("debug"), Severity::Debug);
  EXPECT_EQ(severity_of("info"), Severity::Info);
  EXPECT_EQ(severity_of("warning"), Severity::Warning);
  EXPECT_EQ(severity_of("error"), Severity::Error);
}

TEST(ServiceNotifier, SpeaksToTheServiceManager) {
  const std::string path = testing::TempDir() + "hasync-notify-" + std::to_string(::getpid());
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  ServiceNotifier notifier;
  notifier.ready();
  notifier.status("owner");
  notifier.alive();
  ::unsetenv("NOTIFY_SOCKET");
  std::string heard;
  std::array<char, 128> buffer{};
  for (ssize_t n = 0; (n = ::recv(fd, buffer.data(), buffer.size(), 0)) > 0;) {
    heard += std::string(buffer.data(), static_cast<std::size_t>(n)) + ";";
  }
  EXPECT_EQ(heard, "READY=1;STATUS=owner;WATCHDOG=1;");
  ::close(fd);
  std::filesystem::remove(path);
}

TEST(ServiceNotifier, TheWatchdogIsDueAtHalfItsTime) {
  ::unsetenv("WATCHDOG_USEC");
  EXPECT_EQ(ServiceNotifier::watchdog_interval(), std::nullopt);
  ::setenv("WATCHDOG_USEC", "2000000", 1);
  EXPECT_EQ(ServiceNotifier::watchdog_interval(), 1000000us);
  ::unsetenv("WATCHDOG_USEC");
}

}  // namespace
}  // namespace hasync::hasyncd
