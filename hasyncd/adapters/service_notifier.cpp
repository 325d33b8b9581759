#include "hasyncd/adapters/service_notifier.h"

#include <systemd/sd-daemon.h>

namespace hasync::hasyncd {

void ServiceNotifier::ready() const {
  sd_notify(0, "READY=1");
}
void ServiceNotifier::stopping() const {
  sd_notify(0, "STOPPING=1");
}
void ServiceNotifier::status(const std::string& text) const {
  sd_notify(0, ("STATUS=" + text).c_str());
}
void ServiceNotifier::alive() const {
  sd_notify(0, "WATCHDOG=1");
}

std::optional<std::chrono::microseconds> ServiceNotifier::watchdog_interval() {
  std::uint64_t allowed = 0;
  if (sd_watchdog_enabled(0, &allowed) <= 0) return {};
  return std::chrono::microseconds{allowed / 2};
}

}  // namespace hasync::hasyncd
