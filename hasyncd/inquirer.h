// Inquirer: asks all members what they are, waits for their answers, and answers theirs. One question at a
// time: whoever asks meanwhile gets the same answers, and so does who asks within a second.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <optional>
#include <vector>

#include "ctx-transfer/adapters/charon_client.h"
#include "hasyncd/inquiry.h"

namespace hasync::hasyncd {

class Inquirer {
 public:
  using Setup = std::function<void(std::optional<ctx::CharonSetup>)>;
  struct Ports {
    std::function<std::uint64_t(const std::variant<Ask, About>&)> send;  // to all, this node too; its number
    std::function<std::vector<NodeId>()> group;                          // who would hear it now
    std::function<void(const Setup&)> charon;                            // of this node
  };

  Inquirer(boost::asio::io_context& io, Process self, Ports ports)
      : timer_(io), self_(self), ports_(std::move(ports)) {}

  // `done` when all have answered, or after a second. Without a ring this node alone is asked.
  void ask(std::function<void()> done);
  void heard(NodeId from, const Aside& aside);
  const Inquiry& inquiry() const { return inquiry_; }

 private:
  void begin();
  void describe(const std::function<void(About)>& told);
  void end();

  boost::asio::steady_timer timer_;
  Process self_;
  Ports ports_;
  Inquiry inquiry_;
  std::optional<Instant> answered_at_;
  std::vector<std::function<void()>> waiting_;
};

}  // namespace hasync::hasyncd
