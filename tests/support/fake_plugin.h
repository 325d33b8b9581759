// Stands in for charon with its plugin: answers requests on a unix socket from a map of contexts, in a thread
// of its own for each client, and tells the newest subscriber of them.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/ids.h"

namespace hasync::proto {
class FromPlugin;
}

namespace hasync::test {

class FakePlugin {
 public:
  explicit FakePlugin(const std::filesystem::path& socket);
  ~FakePlugin();

  // What it tells of itself and its charon.
  struct Setup {
    std::string version;
    std::uint32_t spi_min = 0;
    std::uint32_t spi_max = 0;
    std::map<std::string, std::vector<std::string>> connections;  // name -> children
  };
  void set_up(Setup setup);
  void hold(SaId sa, std::string context);
  void change(SaId sa, const std::string& context);  // holds it, active, and tells the subscriber
  void lose_next_event();                            // it gets its number, and is not sent
  void lack_connections();                           // from now on, so that it refuses every PUT
  void hang_up();                                    // on all clients; others may come
  std::unique_lock<std::mutex> hang() const { return std::unique_lock(mutex_); }  // until it is let go
  std::map<SaId, std::string> contexts() const;
  std::optional<std::string> context(SaId sa) const;

 private:
  void serve();
  void talk(int client);
  std::string answer(const std::string& request);  // both encoded, without their length
  static void send(int client, const std::string& message);
  void tell_event(proto::FromPlugin event);
  void tell_changed(const std::string& context);
  void tell_all();

  int listener_ = -1;
  int subscriber_ = -1;
  std::uint64_t events_ = 0;
  bool loses_next_ = false;
  bool lacks_connections_ = false;
  mutable std::mutex mutex_;
  std::map<SaId, std::string> contexts_;
  Setup setup_;
  std::set<int> clients_;
  std::vector<std::thread> threads_;  // of the clients; the listener's is the last to be made
  std::thread thread_;
};

}  // namespace hasync::test
