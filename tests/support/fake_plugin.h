// Stands in for charon with its plugin: answers List, Get, Put and Release on a unix socket from a map of
// contexts, in a thread of its own. One client at a time.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "base/ids.h"

namespace hasync::test {

class FakePlugin {
 public:
  explicit FakePlugin(const std::filesystem::path& socket);
  ~FakePlugin();

  void hold(SaId sa, std::string context);
  std::map<SaId, std::string> contexts() const;

 private:
  void serve();
  std::string answer(const std::string& request);  // both encoded, without their length

  int listener_ = -1;
  mutable std::mutex mutex_;
  std::map<SaId, std::string> contexts_;
  std::thread thread_;
};

}  // namespace hasync::test
