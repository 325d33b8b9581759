// Tells the service manager how the daemon is (sd_notify(3)); does nothing where there is none.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace hasync::hasyncd {

class ServiceNotifier {
 public:
  void ready() const;
  void stopping() const;
  void status(const std::string& text) const;  // one line for `systemctl status`
  void alive() const;                          // feeds the watchdog
  // How often alive() is due: half of what the service manager allows. None: no watchdog.
  static std::optional<std::chrono::microseconds> watchdog_interval();
};

}  // namespace hasync::hasyncd
