// Stands in for charon with its plugin: answers requests on a unix socket from a map of contexts, in a thread
// of its own, and tells a subscriber of them. One client at a time.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/ids.h"

namespace hasync::test {

class FakePlugin {
 public:
  explicit FakePlugin(const std::filesystem::path& socket);
  ~FakePlugin();

  void hold(SaId sa, std::string context);
  void change(SaId sa, const std::string& context);  // holds it, active, and tells the subscriber
  void hang_up();                                    // on the client; another may come
  std::unique_lock<std::mutex> hang() const { return std::unique_lock(mutex_); }  // until it is let go
  std::map<SaId, std::string> contexts() const;
  std::optional<std::string> context(SaId sa) const;

 private:
  void serve();
  std::string answer(const std::string& request);  // both encoded, without their length
  void send(const std::string& message) const;
  void tell_changed(const std::string& context);
  void tell_all();

  int listener_ = -1;
  int client_ = -1;
  bool subscribed_ = false;
  std::uint64_t events_ = 0;
  mutable std::mutex mutex_;
  std::map<SaId, std::string> contexts_;
  std::thread thread_;
};

}  // namespace hasync::test
