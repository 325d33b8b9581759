// Keeps the gateway's tunnels as charon's plugin tells them: connects, asks, and carries out what ChildTable
// decides. One thread, that of the gateway's owner.
#pragma once

#include <map>

#include "vped/adapters/charon_link.h"
#include "vped/child_table.h"
#include "vped/gateway.h"
#include "vped/retirements.h"

namespace hasync::vped {

class Children {
 public:
  using Time = ChildTable::Time;
  Children(Gateway& gateway, const Config::Charon& charon);

  int fd() const { return link_.fd(); }
  bool is_connected() const { return link_.is_open(); }
  // When step() has something to do though nothing comes.
  Time next(Time now) const;
  // Takes what has come, and does what is due.
  void step(Time now);

 private:
  void connect(Time now);
  void lose(const Error& error);
  void read(Time now);
  bool take(PluginMessage& message, Time now);  // false: the connection is of no use
  void told(const ToldChild& told, Time now);
  void share(const ToldChild& told);
  Status give(const ToldChild& told);
  vpe::Place place_of(const Share& share) const;
  Status start(const ToldChild& told);
  void move(const Child& child);
  void renew(const ToldChild& told);
  void retire(Time now);
  void drop(EspSpi in, const char* why);
  void settle(Time now);
  void say(const Child& child, const std::string& text) const;

  Gateway& gateway_;
  Config::Charon charon_;
  CharonLink link_;
  ChildTable table_;
  Retirements retirements_;
  std::map<EspSpi, std::size_t> places_;  // of those that the gateway has
  std::vector<std::size_t> senders_;
  bool stale_ = false;  // the gateway has other tunnels since they were told
  std::uint64_t last_event_ = 0;
  std::uint64_t requests_ = 0;
  std::uint64_t offer_ = 0;   // the request
  bool is_told_all_ = false;  // by this connection
  Time retry_at_{};
  std::string last_error_;  // said once
};

}  // namespace hasync::vped
